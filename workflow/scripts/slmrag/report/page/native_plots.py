"""The plots of the page as plotly figures in plain JSON, which a tracker shows interactively."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from slmrag.report.page.plots import (
    DotPoint,
    ScatterPoint,
    axis_reach,
    cost_label,
    log_scale,
    pareto_front,
    shorten_name,
    tick_costs,
)
from slmrag.report.page.svg import SERIES_COLORS, SERIES_STYLES

Figure = dict[str, Any]
SYMBOLS = (
    *("circle", "diamond", "square", "triangle-up", "triangle-down", "cross", "pentagon"),
    "hourglass",
)
"""The shapes of the page's marks."""
GRID: Figure = {"gridcolor": "#dddddd", "zerolinecolor": "#999999", "automargin": True}
SHORTEST, TALLEST, BAR_HEIGHT = 360, 2400, 15


def dot_figure(
    rows: Sequence[tuple[str, Sequence[DotPoint]]], series: Sequence[str], label: str, axis: str
) -> Figure:
    """Return horizontal bars: one row a model, one color a mode, intervals as error bars."""
    names = [name for name, _ in rows]
    data = [
        bars(place, mode, found)
        for place, mode in enumerate(series)
        if (found := [(name, p) for name, points in rows for p in points if p.series == place])
    ]
    bar_count = sum(len(points) + 1 for _, points in rows)
    short = [shorten_name(name) for name in names]
    down: Figure = {"type": "category", "categoryorder": "array", "categoryarray": names}
    down |= {"tickvals": names, "ticktext": short, "autorange": "reversed", **GRID}
    across = {"title": {"text": axis}, "range": [0, 1.02 * axis_reach(rows)], **GRID}
    height = min(TALLEST, max(SHORTEST, 140 + BAR_HEIGHT * bar_count))
    return figure(data, label, across, down, height=height, barmode="group", bargap=0.25)


def bars(place: int, mode: str, found: Sequence[tuple[str, DotPoint]]) -> Figure:
    """Return the bars of one mode, which are drawn from the top down in the order of the modes."""
    points = [point for _, point in found]
    return {
        "type": "bar",
        "orientation": "h",
        "name": shorten_name(mode),
        "y": [name for name, _ in found],
        "x": [rounded(point.value) for point in points],
        **error_bars(points),
        "marker": {"color": SERIES_COLORS[place % SERIES_STYLES]},
        "hovertext": [point.tip for point in points],
        "hoverinfo": "text",
    }


def error_bars(points: Sequence[DotPoint]) -> Figure:
    """Return the intervals of points as asymmetric error bars; a point without one has null."""
    up = [None if p.high is None else rounded(p.high - p.value) for p in points]
    down = [None if p.low is None else rounded(p.value - p.low) for p in points]
    if not any(value is not None for value in (*up, *down)):
        return {}
    bar = {"type": "data", "symmetric": False, "array": up, "arrayminus": down}
    return {"error_x": bar | {"color": "#333333", "thickness": 1.2, "width": 3}}


def scatter_figure(
    points: Sequence[ScatterPoint],
    series: Sequence[str],
    label: str,
    axes: tuple[str, str],
    joined: bool,
    ideal: Collection[int] = (),
) -> Figure:
    """Return quality (up) against cost (right, logarithmic); ``joined`` draws a line a series.

    Otherwise a gray line joins the cells that no cheaper cell equals, without the ``ideal`` series.
    """
    real = [(p.x, p.y, p) for p in points if p.series not in ideal]
    front = [point for _, _, point in pareto_front(real)]
    data = [front_line(front)] if len(front) > 1 and not joined else []
    for place, mode in enumerate(series):
        own = sorted((p for p in points if p.series == place), key=lambda p: p.x)
        data += [marks(place, mode, own, joined)] if own else []
    costs = [point.x for point in points]
    at = tick_costs(costs, log_scale(costs))
    ticks = {"tickvals": at, "ticktext": [cost_label(cost) for cost in at]}
    across = {"title": {"text": axes[0]}, "type": "log", **ticks, **GRID}
    up = {"title": {"text": axes[1]}, "rangemode": "tozero", **GRID}
    return figure(data, label, across, up, height=480)


def marks(place: int, mode: str, own: Sequence[ScatterPoint], joined: bool) -> Figure:
    """Return the marks of one mode, which carry the cells' names on hover."""
    color, symbol = SERIES_COLORS[place % SERIES_STYLES], SYMBOLS[place % SERIES_STYLES]
    return {
        "type": "scatter",
        "mode": "lines+markers" if joined else "markers",
        "name": shorten_name(mode),
        "x": [rounded(point.x) for point in own],
        "y": [rounded(point.y) for point in own],
        "marker": {"color": color, "symbol": symbol, "size": 11},
        "hovertext": [point.tip for point in own],
        "hoverinfo": "text",
    }


def front_line(front: Sequence[ScatterPoint]) -> Figure:
    """Return the gray line through the cells that no cheaper cell equals."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "no cheaper cell equals these",
        "x": [rounded(point.x) for point in front],
        "y": [rounded(point.y) for point in front],
        "line": {"color": "#999999", "dash": "dash", "width": 1.5},
        "hoverinfo": "skip",
    }


def figure(
    data: list[Figure], label: str, across: Mapping[str, Any], up: Mapping[str, Any], **layout: Any
) -> Figure:
    """Return a figure with its title, axes and legend, on white."""
    return {
        "data": data,
        "layout": {
            "title": {"text": label, "font": {"size": 16}, "x": 0.01, "xanchor": "left"},
            "xaxis": dict(across),
            "yaxis": dict(up),
            "showlegend": True,
            "hovermode": "closest",
            "plot_bgcolor": "#ffffff",
            "margin": {"t": 60, "r": 20},
            **layout,
        },
    }


def rounded(value: float) -> float:
    """Return a number with five significant digits: an event is a line of text."""
    return float(f"{value:.5g}")
