"""The device of every cell, and the GPUs that stood idle, in a report."""

import json

import polars as pl
import pytest
from slmrag.files import read_metadata, write_table

from tests.report.made_up import MODES, MadeUp
from tests.report.test_report import report

IDLE = "it runs on the CPU although its machine shows a GPU: torch sees none, or set gpus: 0"


def relabel(experiment, model, **facts):
    """Give the records of a model's engine runs other facts."""
    for mode in MODES:
        path = experiment.path("timings", model, "facts", mode)
        (record,) = json.loads(read_metadata(path)["engines"])
        write_table(pl.read_parquet(path), path, {"engines": json.dumps([record | facts])})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report of a model on a CPU beside a GPU, one on a GPU, one at an endpoint."""
    models = ("idle", "fast", "remote")
    experiment = MadeUp(tmp_path_factory.mktemp("devices"), models=models, questions=10)
    relabel(experiment, "idle", cpu_name="AMD EPYC", gpu_unused=IDLE)
    relabel(experiment, "fast", device="cuda", gpu_name="NVIDIA H100")
    relabel(experiment, "remote", device="endpoint")
    return report(experiment)


def test_each_cell_names_its_device(made):
    """The table of costs and the CSV name the chip or the GPU; an endpoint's is null."""
    page, rows, _ = made
    wanted = {"idle": "cpu (AMD EPYC)", "fast": "NVIDIA H100", "remote": ""}
    assert {row["model"]: row["device"] for row in rows} == wanted
    shown = {row["model"][1]: row["device"][1] for row in page.rows("costs")}
    assert {**wanted, "remote": "\u2013"} == shown


def test_an_idle_gpu_is_a_caveat(made):
    """The model that ran beside a GPU is named once with what to do, and why a device is null."""
    html = made[2]
    assert html.count(f"idle: {IDLE}.") == 1
    assert "No device is named for remote: an endpoint" in html
    assert "Costs were measured with different devices: NVIDIA H100; cpu (AMD EPYC)." in html
