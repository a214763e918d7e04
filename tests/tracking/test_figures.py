"""Figures of ClearML's page, and how events of ours become its events."""

import json

import pytest
from slmrag.tracking import naming
from slmrag.tracking.clearml import actions, figures
from slmrag.tracking.clearml.events import translate
from slmrag.tracking.clearml.script import script
from slmrag.tracking.config_sections import config_sections

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pyhocon
START = {"time": 100.0, "id": "a", "rule": "score_answers", "wildcards": {"model": "tiny"}}
KNOWN_TRACES = {"table", "bar", "scatter", "heatmap", "histogram", "box"}


def check_figure(figure):
    """Fail unless a figure is one that plotly draws: traces of known types with equal lengths."""
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    assert isinstance(figure["layout"], dict)
    for trace in figure["data"]:
        assert trace["type"] in KNOWN_TRACES
        if trace["type"] == "table":
            cells, header = trace["cells"]["values"], trace["header"]["values"]
            assert len(cells) == len(header) == len(trace["columnwidth"])
            assert len({len(column) for column in cells}) <= 1
        assert len({len(trace[key]) for key in ("x", "y") if key in trace}) <= 1


def translated(*events):
    """Return what a server is told of events."""
    pytest.importorskip("clearml", reason="the ClearML SDK is not installed")
    found = [item for event in events for item in translate("t", START, {"time": 110.0} | event)]
    return [item.to_dict() for item in found]


def test_a_table_is_readable():
    """Numbers have four digits at the right, what is not known is blank, markup is text."""
    rows = [{"model": "a<b", "f1": 0.123456, "n": 12345}, {"model": "c", "f1": None, "n": 3}]
    figure = figures.table_figure(rows)
    check_figure(figure)
    (table,) = figure["data"]
    assert table["cells"]["values"] == [["a&lt;b", "c"], ["0.1235", ""], ["12345", "3"]]
    assert table["cells"]["align"] == ["left", "right", "right"]
    assert figures.table_figure([])["data"][0]["cells"]["values"] == []


def test_a_plot_is_native_where_it_can_be(tmp_path):
    """A figure is sent as it is, a picture without one as a picture, else a line says why not."""
    bar = {"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {}}
    svg = tmp_path / "p.svg"
    svg.write_text("<svg/>")
    native, picture, missing = translated(
        {"kind": "plot", "name": "n", "path": str(svg), "figure": bar},
        {"kind": "plot", "name": "p", "path": str(svg)},
        {"kind": "plot", "name": "m", "path": str(tmp_path / "m.html")},
    )
    assert json.loads(native["plot_str"]) == bar
    check_figure(json.loads(native["plot_str"]))
    check_figure(json.loads(picture["plot_str"]))
    assert "svg+xml" in picture["plot_str"]
    assert missing["msg"].endswith("m.html is no picture (.svg, .png, .jpg)")


def test_progress_is_a_series():
    """What is done, its share and its rate are points at the seconds since the start."""
    event = {"kind": "progress", "name": "answers", "done": 5, "total": 20, "per_second": 2.5}
    found = {(p["metric"], p["variant"]): (p["iter"], p["value"]) for p in translated(event)}
    assert found == {
        ("progress", "answers"): (10, 5),
        ("progress percent", "answers"): (10, 25),
        ("per second", "answers"): (10, 2.5),
    }


def test_percent_is_never_beside_bytes():
    """Memory is in GB of 10^9 bytes by component; the use of GPUs has an axis of its own."""
    event = {"kind": "memory", "rss_bytes": 2e9, "gpu_bytes": 5e8, "gpu_percent": 90}
    event |= {"gpu_memory_percent": 50.0, "components": ["model"], "seconds": 1.0}
    found = list(naming.memory_points(event))
    assert [point for point in found if "percent" in point[0]] == [
        ("GPU use percent", "busy", 90),
        ("GPU use percent", "memory of the fullest GPU", 50.0),
    ]
    assert ("memory GB/job", "CPU", 2.0) in found and ("memory GB/model", "GPU", 0.5) in found
    end = {
        "peak": {"rss_bytes": 3e9, "gpu_percent": 99},
        "components": {"model": {"gpu_bytes": 1e9}},
    }
    assert list(naming.peak_points(end)) == [
        ("peak memory GB", "job CPU", 3.0),
        ("GPU use percent", "busy peak", 99),
        ("peak memory GB", "model GPU", 1.0),
    ]


def test_a_number_that_is_none_is_a_line_and_no_point():
    """NaN is not shown as 0."""
    (found,) = translated({"kind": "scalar", "name": "loss/train", "value": "nan", "step": 3})
    assert found["msg"] == "loss/train is nan at 3: no point is shown"


CONFIG = {
    "models": {"tiny": {"engine": "echo", "temperature": 0.5, "revision": None}, "gone": None},
    "sampling": {"temperature": 0.0, "max_tokens": 32},
    "datasets": {"nq": {"object": "o", "format": "csv"}, "sq": {"object": "p", "format": "squad"}},
    "modes": {"none": {"context": "none"}},
}


def test_a_score_task_has_its_model_sampling_data_set_and_mode():
    """They come from the config that the run's start holds, without what is not set."""
    cells = [{"model": "tiny", "dataset": "nq", "mode": "none"}]
    found = config_sections(START | {"config": CONFIG, "params": {"cells": cells}})
    assert found["Model"] == {"name": "tiny", "engine": "echo", "temperature": 0.5}
    assert found["Dataset"] == {"name": "nq", "object": "o", "format": "csv"}
    assert found["Mode"] == {"name": "none", "context": "none"}
    assert found["Sampling"] == {"temperature": 0.5, "max_tokens": 32, "top_p": 1.0, "seed": 0}


def test_a_job_of_several_cells_names_them_all():
    """The entries' keys are named after each; above ten entries only the names are there."""
    cells = [{"dataset": name, "mode": "none"} for name in ("nq", "sq")]
    found = config_sections(START | {"config": CONFIG, "params": {"cells": cells}})
    flat = naming.flatten(found["Dataset"])
    assert flat["names"] == "nq, sq" and flat["sq.format"] == "squad"
    many = [{"dataset": f"d{number}", "mode": "none"} for number in range(11)]
    found = config_sections(START | {"config": CONFIG, "params": {"cells": many}})
    assert set(found["Dataset"]) == {"names"}


def test_a_job_s_own_params_count_first():
    """What a job was given is what ran, whatever the config says by now."""
    params = {"model": {"engine": "vllm"}, "sampling": {"temperature": 1.0}, "cells": ["nq/none"]}
    found = config_sections(START | {"config": CONFIG, "params": params})
    assert (found["Model"]["engine"], found["Sampling"]["temperature"]) == ("vllm", 1.0)
    assert config_sections(START | {"params": params})["Model"]["name"] == "tiny"


def test_execution_names_repository_script_and_packages():
    """What is not known is left out."""
    code = {"commit": "abc", "repository": "https://h/r.git", "branch": "main", "diff": "-a\n+b"}
    found = script(START | {"code": code, "packages": {"zlib": "1", "Attrs": "2"}})
    assert found["requirements"] == {"pip": "Attrs==2\nzlib==1\n"}
    assert found["entry_point"] == "workflow/scripts/score_answers.py"
    assert {"abc", "https://h/r.git", "main", "-a\n+b"} <= set(map(str, found.values()))
    assert set(script(START)) == {"entry_point", "working_dir"}


@pytest.mark.parametrize("tail", [["loading", "CUDA out of memory"], "loading\nCUDA out of memory"])
def test_a_reason_has_the_error_and_the_last_lines(tail):
    """First the error's last line, then what the job printed last, as far as there is room."""
    event = {"error": "Traceback\n  deep\nRuntimeError: engine", "log_tail": tail}
    reason = actions.reason_of(event, 700)
    assert reason == "RuntimeError: engine\nloading\nCUDA out of memory"
    assert actions.reason_of({"error": None, "log_tail": tail}, 700) == ""
    long = {"error": "x" * 5000, "log_tail": ["y" * 300, "z" * 300]}
    assert len(actions.reason_of(long, 700)) <= 700
    assert actions.reason_of(long, 700).endswith("z" * 300)
    assert "deep" in actions.reason_of(event, 4000)


def test_a_run_s_reason_names_each_failed_job():
    """What has no room is counted."""
    lines = [f"job {number}: {'x' * 50}" for number in range(30)]
    reason = actions.reason_of_run({"error": "\n".join(lines)}, 700).splitlines()
    assert reason[:2] == lines[:2] and reason[-1] == f"and {31 - len(reason)} more: see the console"
    assert len("\n".join(reason)) <= 700
    assert actions.reason_of_run({"error": lines[0]}, 700) == lines[0]
    assert actions.reason_of_run({"error": None}, 700) == ""
