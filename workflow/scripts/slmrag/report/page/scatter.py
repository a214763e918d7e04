"""Quality against cost: points by mode, the front that nothing beats, lines through a mode."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from slmrag.report.page.plots import WIDTH
from slmrag.report.page.svg import drawing, legend, line, mark, text, ticks

HEIGHT, LEFT, RIGHT = 300, 46, 16


class Place(NamedTuple):
    """A cell in the plot: its mode's number, cost, quality and what is shown on hover."""

    series: int
    x: float
    y: float
    tip: str


def scatter(
    points: Sequence[Place],
    series: Sequence[str],
    label: str,
    axes: tuple[str, str],
    joined: bool,
    ideal: Collection[int] = (),
) -> str:
    """Draw quality (up) against cost (right, logarithmic); ``joined`` draws a line a series.

    Otherwise a grey line joins the cells that no other beats in both, the ``ideal`` series apart.
    """
    key, top = legend(series, LEFT, 12, WIDTH)
    top += 20
    bottom = top + HEIGHT
    across = logarithmic([point.x for point in points])
    high = max(point.y for point in points) * 1.05 or 1.0
    placed = [(across(p.x), bottom - HEIGHT * p.y / high, p) for p in points]
    parts = [key, frame(top, bottom, high, axes), marks_below(points, across, bottom)]
    groups = [[q for q in placed if q[2].series == s] for s in range(len(series))] if joined else []
    parts += [path(sorted(group), f"s{place % 8}") for place, group in enumerate(groups)]
    if not joined:
        parts.append(path(front([q for q in placed if q[2].series not in ideal]), "muted-line"))
    parts += [mark(x, y, point.series, point.tip, None) for x, y, point in placed]
    return drawing(WIDTH, bottom + 40, label, *parts)


def logarithmic(values: Sequence[float]) -> Callable[[float], float]:
    """Return the function from a cost to its place across, on a logarithmic axis."""
    low, high = math.log(min(values)), math.log(max(values))
    low, high = (low - 0.5, high + 0.5) if high - low < 1e-9 else (low, high)
    margin = 0.05 * (high - low)
    scale = (WIDTH - LEFT - RIGHT) / (high - low + 2 * margin)
    return lambda value: LEFT + scale * (math.log(value) - low + margin)


def frame(top: float, bottom: float, high: float, axes: tuple[str, str]) -> str:
    """Draw both axes, the quality's grid and the names."""
    parts = [line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis")]
    for tick in ticks(0, high):
        y = bottom - HEIGHT * tick / high
        parts.append(line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(text(LEFT - 8, y + 4, f"{tick:g}", "end", "muted"))
    parts.append(text((LEFT + WIDTH) / 2, bottom + 34, axes[0], "middle", "muted"))
    parts.append(text(LEFT, top - 12, axes[1], "start", "muted"))
    return "".join(parts)


def marks_below(points: Sequence[Place], across: Callable[[float], float], bottom: float) -> str:
    """Write a few costs under the axis."""
    values = [point.x for point in points]
    at = sorted({min(values), max(values), *decades(min(values), max(values))})
    kept: list[float] = []
    for value in at:
        if not kept or across(value) - across(kept[-1]) > 44:
            kept.append(value)
    return "".join(text(across(v), bottom + 16, f"{v:.3g}", "middle", "muted") for v in kept)


def decades(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten between two numbers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]


Placed = tuple[float, float, Place]


def front(placed: Sequence[Placed]) -> list[Placed]:
    """Return the points that no cheaper point equals in quality, from cheap to dear."""
    best, kept = -math.inf, []
    for item in sorted(placed, key=lambda item: (item[2].x, -item[2].y)):
        if item[2].y > best:
            best = item[2].y
            kept.append(item)
    return kept


def path(placed: Sequence[Placed], colour: str) -> str:
    """Draw a line through points."""
    if len(placed) < 2:
        return ""
    bends = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in placed)
    return f'<path d="M{bends}" class="line {colour}"></path>'
