"""The plotly figures that a tracker shows: the points, colors and names of the page's plots."""

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.report.page.native_plots import dot_figure, scatter_figure
from slmrag.report.page.plots import DotPoint, ScatterPoint, shorten_name
from slmrag.report.page.svg import SERIES_COLORS, SERIES_STYLES

ROOT = Path(__file__).resolve().parents[2]
MODES = ["none", "oracle", "retriever"]
AXES = ("GPU memory, GB", "F1")
share = st.floats(0, 1)
bounds = st.one_of(st.none(), st.tuples(st.floats(0, 0.3), st.floats(0, 0.3)))


@st.composite
def dots(draw):
    """Rows of a dot plot: a model with one point for some of the modes."""
    names = draw(st.lists(st.text("ab_1", min_size=1, max_size=40), unique=True, max_size=6))
    rows = []
    for name in names:
        points = []
        for place in sorted(draw(st.sets(st.integers(0, 2)))):
            value, width = draw(share), draw(bounds)
            low, high = (value - width[0], value + width[1]) if width else (None, None)
            points.append(DotPoint(place, value, low, high, f"{name}, {place}"))
        rows.append((name, points))
    return rows


@given(dots())
def test_bars_are_the_points_of_the_dot_plot(rows):
    """Each point is one bar of its mode's color, with its interval, if it has one, and its tip."""
    made = json.loads(json.dumps(dot_figure(rows, MODES, "F1 by mode", "F1"), allow_nan=False))
    found = {}
    for trace in made["data"]:
        error = trace.get("error_x", {})
        count = len(trace["x"])
        ups, downs = (error.get(side, [None] * count) for side in ("array", "arrayminus"))
        assert error.get("symmetric", False) is False
        for name, *numbers, tip in zip(
            trace["y"], trace["x"], downs, ups, trace["hovertext"], strict=True
        ):
            found[name, trace["name"]] = (*numbers, tip, trace["marker"]["color"])
    wanted = {(name, MODES[p.series]): p for name, points in rows for p in points}
    assert found.keys() == wanted.keys()
    for key, point in wanted.items():
        value, down, up, tip, color = found[key]
        assert (tip, color) == (point.tip, SERIES_COLORS[point.series])
        assert value == pytest.approx(point.value, rel=1e-4)
        if point.low is None:
            assert down is up is None
        else:
            assert value - down == pytest.approx(point.low, abs=1e-4)
            assert value + up == pytest.approx(point.high, abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(1e-3, 1e6), share), min_size=1), st.data())
def test_marks_are_the_points_of_the_scatter_plot(drawn, data):
    """Each cell is one mark; the gray line rises, and no cell outside the ideal modes beats it."""
    joined = data.draw(st.booleans())
    points = [ScatterPoint(s, x, y, f"cell {i}") for i, (s, x, y) in enumerate(drawn)]
    made = scatter_figure(points, MODES, "label", AXES, joined, [1])
    json.dumps(made, allow_nan=False)
    marks = [trace for trace in made["data"] if "markers" in trace["mode"]]
    shown = {
        (tip, trace["name"]): (x, y)
        for trace in marks
        for x, y, tip in zip(trace["x"], trace["y"], trace["hovertext"], strict=True)
    }
    assert shown.keys() == {(p.tip, MODES[p.series]) for p in points}
    for point in points:
        assert shown[point.tip, MODES[point.series]] == pytest.approx((point.x, point.y), rel=1e-4)
    assert made["layout"]["xaxis"]["type"] == "log"
    lines = [trace for trace in made["data"] if trace["mode"] == "lines"]
    assert not (joined and lines) and all("lines" in t["mode"] for t in marks if joined)
    for line in lines:
        assert line["y"] == sorted(line["y"])
        best = max(p.y for p in points if p.series != 1)
        assert line["y"][-1] == pytest.approx(best, rel=1e-4)


def test_the_colors_are_the_page_s():
    """The style sheet and the files of the plots have the same colors by day."""
    sheet = (ROOT / "workflow/report/report.css").read_text()
    assert re.findall(r"--c: (#\w+)", sheet)[:SERIES_STYLES] == list(SERIES_COLORS)


def test_models_with_alike_long_names_keep_rows_of_their_own():
    """Rows are by the whole name; the shown one is short and has its end."""
    names = [f"qwen3_5_0_8b_instruct_fp8_dynamic_v{n}" for n in (1, 2)]
    rows = [(name, [DotPoint(0, 0.5, None, None, name)]) for name in [*names, "17"]]
    axis = dot_figure(rows, MODES, "label", "F1")["layout"]["yaxis"]
    assert axis["tickvals"] == [*names, "17"] and axis["type"] == "category"
    assert len(set(axis["ticktext"])) == 3 and all(len(text) <= 32 for text in axis["ticktext"])


@given(st.text(max_size=80), st.integers(3, 40))
def test_a_shortened_name_has_both_ends(name, length):
    """A name that fits is itself; another has the length, its begin and its end."""
    short = shorten_name(name, length)
    assert short == name if len(name) <= length else len(short) == length
    begin, _, end = short.partition("\u2026") if len(name) > length else (name, "", name)
    assert name.startswith(begin) and name.endswith(end)


@pytest.mark.parametrize("costs", [(3.0, 3.3), (0.004, 90_000.0), (5.0, 5.0)])
def test_cost_ticks_are_inside_the_costs(costs):
    """Few ticks stand between the smallest and the largest cost, with numbers in full."""
    points = [ScatterPoint(0, cost, 0.5, "tip") for cost in costs]
    axis = scatter_figure(points, MODES, "label", AXES, joined=False)["layout"]["xaxis"]
    assert 1 <= len(axis["tickvals"]) <= 13
    for value, text in zip(axis["tickvals"], axis["ticktext"], strict=True):
        assert min(costs) <= value <= max(costs) and "e+" not in text
        assert math.isclose(float(text.replace(",", "")), value, rel_tol=0.01)
