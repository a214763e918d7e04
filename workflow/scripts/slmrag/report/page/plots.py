"""The plots of the page, as SVG text."""

from collections.abc import Sequence
from typing import NamedTuple

from slmrag.report.page.svg import drawing, legend, line, mark, text, ticks

WIDTH = 560


class Point(NamedTuple):
    """A value of a series (a mode), its interval, and what is shown on hover."""

    series: int
    value: float
    low: float | None
    high: float | None
    tip: str


def dot_plot(
    rows: Sequence[tuple[str, Sequence[Point]]], series: Sequence[str], label: str, axis: str
) -> str:
    """Draw one row a model, one mark a mode, with intervals, on an axis that starts at zero."""
    left = 26 + 7.8 * min(32, max((len(name) for name, _ in rows), default=0))
    reach = max((p.high or p.value for _, points in rows for p in points), default=0) or 1
    reach = 1.0 if 0.8 < reach < 1 else reach
    scale = (WIDTH - 24 - left) / reach
    key, top = legend(series, left, 12, WIDTH)
    parts, y = [key], top + 14
    for name, points in rows:
        parts.append(text(left - 12, y + 5.5 * max(0, len(points) - 1) + 4, clip(name), "end"))
        parts += [dot(p, left, scale, y + 11 * i) for i, p in enumerate(points)]
        y += 11 * len(points) + 14
    grid = axis_below(left, top, y, scale, ticks(0, reach), axis)
    return drawing(WIDTH, y + 40, label, grid, *parts)


def dot(point: Point, left: float, scale: float, y: float) -> str:
    """Draw one mark with its interval."""
    if point.low is None or point.high is None:
        return mark(left + scale * point.value, y, point.series, point.tip, None)
    interval = (left + scale * point.low, left + scale * point.high)
    return mark(left + scale * point.value, y, point.series, point.tip, interval)


def axis_below(
    left: float, top: float, bottom: float, scale: float, at: Sequence[float], name: str
) -> str:
    """Draw the horizontal axis, its numbers and the grid above them."""
    parts = [line(left + scale * t, top, left + scale * t, bottom, "grid") for t in at]
    parts += [text(left + scale * t, bottom + 16, f"{t:g}", "middle", "muted") for t in at]
    parts.append(line(left, bottom, WIDTH - 24, bottom, "axis"))
    parts.append(text((left + WIDTH - 24) / 2, bottom + 34, name, "middle", "muted"))
    return "".join(parts)


def clip(name: str, length: int = 32) -> str:
    """Return a name that fits beside a plot."""
    return name if len(name) <= length else name[: length - 1] + "\u2026"
