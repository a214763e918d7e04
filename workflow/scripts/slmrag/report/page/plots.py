"""The plots of the page, as SVG text: dot plots of one metric, and quality against cost."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from slmrag.report.page.svg import (
    drawing,
    legend,
    line_element,
    point_mark,
    round_ticks,
    text_element,
)

WIDTH = 560
SCATTER_HEIGHT, SCATTER_LEFT, SCATTER_RIGHT = 300, 46, 16


class DotPoint(NamedTuple):
    """A value of a series (a mode), its interval, and what is shown on hover."""

    series: int
    value: float
    low: float | None
    high: float | None
    tip: str


def dot_plot(
    rows: Sequence[tuple[str, Sequence[DotPoint]]], series: Sequence[str], label: str, axis: str
) -> str:
    """Draw one row a model, one mark a mode, with intervals, on an axis that starts at zero."""
    left = 26 + 7.8 * min(32, max((len(name) for name, _ in rows), default=0))
    reach = axis_reach(rows)
    scale = (WIDTH - 24 - left) / reach
    key, top = legend(series, left, 12, WIDTH)
    parts, y = [key], top + 14
    for name, points in rows:
        middle = y + 5.5 * max(0, len(points) - 1)
        parts.append(text_element(left - 12, middle + 4, shorten_name(name), "end"))
        parts += [draw_dot(p, left, scale, y + 11 * i) for i, p in enumerate(points)]
        y += 11 * len(points) + 14
    grid = dot_axis(left, top, y, scale, round_ticks(0, reach), axis)
    return drawing(WIDTH, y + 40, label, grid, *parts)


def axis_reach(rows: Sequence[tuple[str, Sequence[DotPoint]]]) -> float:
    """Return where the axis of a dot plot ends: at 1 if the largest value is close to it."""
    reach = max((p.high or p.value for _, points in rows for p in points), default=0) or 1
    return 1.0 if 0.8 < reach < 1 else reach


def draw_dot(point: DotPoint, left: float, scale: float, y: float) -> str:
    """Draw one mark with its interval."""
    if point.low is None or point.high is None:
        return point_mark(left + scale * point.value, y, point.series, point.tip, None)
    interval = (left + scale * point.low, left + scale * point.high)
    return point_mark(left + scale * point.value, y, point.series, point.tip, interval)


def dot_axis(
    left: float, top: float, bottom: float, scale: float, at: Sequence[float], name: str
) -> str:
    """Draw the horizontal axis, its numbers and the grid above them."""
    parts = [line_element(left + scale * t, top, left + scale * t, bottom, "grid") for t in at]
    parts += [text_element(left + scale * t, bottom + 16, f"{t:g}", "middle", "muted") for t in at]
    parts.append(line_element(left, bottom, WIDTH - 24, bottom, "axis"))
    parts.append(text_element((left + WIDTH - 24) / 2, bottom + 34, name, "middle", "muted"))
    return "".join(parts)


def shorten_name(name: str, length: int = 32) -> str:
    """Return a name that fits beside a plot, cut in its middle: names often differ at their end."""
    end = length // 2
    return name if len(name) <= length else f"{name[: length - 1 - end]}\u2026{name[-end:]}"


class ScatterPoint(NamedTuple):
    """A cell in the plot: its mode's number, cost, quality and what is shown on hover."""

    series: int
    x: float
    y: float
    tip: str


def scatter(
    points: Sequence[ScatterPoint],
    series: Sequence[str],
    label: str,
    axes: tuple[str, str],
    joined: bool,
    ideal: Collection[int] = (),
) -> str:
    """Draw quality (up) against cost (right, logarithmic); ``joined`` draws a line a series.

    Otherwise a gray line joins the cells that no cheaper cell equals, without the ``ideal`` series.
    """
    key, top = legend(series, SCATTER_LEFT, 12, WIDTH)
    top += 20
    bottom = top + SCATTER_HEIGHT
    across = log_scale([point.x for point in points])
    high = max(point.y for point in points) * 1.05 or 1.0
    placed = [(across(p.x), bottom - SCATTER_HEIGHT * p.y / high, p) for p in points]
    parts = [key, scatter_axes(top, bottom, high, axes), cost_ticks(points, across, bottom)]
    groups = [[q for q in placed if q[2].series == s] for s in range(len(series))] if joined else []
    parts += [polyline(sorted(group), f"s{place % 8}") for place, group in enumerate(groups)]
    if not joined:
        real = [q for q in placed if q[2].series not in ideal]
        parts.append(polyline(pareto_front(real), "muted-line"))
    parts += [point_mark(x, y, point.series, point.tip, None) for x, y, point in placed]
    return drawing(WIDTH, bottom + 40, label, *parts)


def log_scale(values: Sequence[float]) -> Callable[[float], float]:
    """Return the function from a cost to its place across, on a logarithmic axis."""
    low, high = math.log(min(values)), math.log(max(values))
    low, high = (low - 0.5, high + 0.5) if high - low < 1e-9 else (low, high)
    margin = 0.05 * (high - low)
    scale = (WIDTH - SCATTER_LEFT - SCATTER_RIGHT) / (high - low + 2 * margin)
    return lambda value: SCATTER_LEFT + scale * (math.log(value) - low + margin)


def scatter_axes(top: float, bottom: float, high: float, axes: tuple[str, str]) -> str:
    """Draw both axes, the quality's grid and the names."""
    parts = [line_element(SCATTER_LEFT, bottom, WIDTH - SCATTER_RIGHT, bottom, "axis")]
    for tick in round_ticks(0, high):
        y = bottom - SCATTER_HEIGHT * tick / high
        parts.append(line_element(SCATTER_LEFT, y, WIDTH - SCATTER_RIGHT, y, "grid"))
        parts.append(text_element(SCATTER_LEFT - 8, y + 4, f"{tick:g}", "end", "muted"))
    parts.append(text_element((SCATTER_LEFT + WIDTH) / 2, bottom + 34, axes[0], "middle", "muted"))
    parts.append(text_element(SCATTER_LEFT, top - 12, axes[1], "start", "muted"))
    return "".join(parts)


def cost_ticks(
    points: Sequence[ScatterPoint], across: Callable[[float], float], bottom: float
) -> str:
    """Write a few costs under the axis."""
    return "".join(
        text_element(across(v), bottom + 16, cost_label(v), "middle", "muted")
        for v in tick_costs([point.x for point in points], across)
    )


def tick_costs(values: Sequence[float], across: Callable[[float], float]) -> list[float]:
    """Return the smallest and largest cost, and round ones between that leave room for labels."""
    kept: list[float] = []
    for value in sorted({min(values), max(values), *one_two_five(min(values), max(values))}):
        if not kept or across(value) - across(kept[-1]) > 44:
            kept.append(value)
    return kept


def cost_label(value: float) -> str:
    """Return a cost as it stands under the axis."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def one_two_five(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten between two numbers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]


PlacedPoint = tuple[float, float, ScatterPoint]


def pareto_front(placed: Sequence[PlacedPoint]) -> list[PlacedPoint]:
    """Return the points that no cheaper point equals in quality, cheapest first."""
    best, kept = -math.inf, []
    for item in sorted(placed, key=lambda item: (item[2].x, -item[2].y)):
        if item[2].y > best:
            best = item[2].y
            kept.append(item)
    return kept


def polyline(placed: Sequence[PlacedPoint], style: str) -> str:
    """Draw a line through points."""
    if len(placed) < 2:
        return ""
    bends = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in placed)
    return f'<path d="M{bends}" class="line {style}"></path>'
