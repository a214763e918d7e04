"""One cluster for all tests of this folder, and projects whose jobs go through it."""

import pytest

from tests.slurm.cluster import Cluster, missing
from tests.slurm.driver import through_slurm
from tests.workflow.project import make_project

SLOW = {"engine": "echo", "options": {"delay": 0.5}, "mem_mb": 1500}


@pytest.fixture(scope="session")
def cluster():
    """A running cluster; skipped with the reason where none can be started."""
    if reason := missing():
        pytest.skip(reason)
    with Cluster() as running:
        yield running


@pytest.fixture(scope="session")
def finished(cluster, tmp_path_factory):
    """A whole run through Slurm: a model on a GPU, one short of memory, one short of time."""
    models = {
        "parrot": SLOW | {"gpus": 1},
        "fat": SLOW | {"temperature": 0.1, "mem_mb": 250, "options": {"delay": 1.0}},
        "late": SLOW | {"temperature": 0.2, "runtime": 1, "options": {"delay": 5.0}},
    }
    project = make_project(tmp_path_factory.mktemp("slurm") / "project", models=models)
    with through_slurm(project) as run:
        run.seen["devices"] = run.environment("parrot")["CUDA_VISIBLE_DEVICES"]
        run.seen["asked"] = run.scontrol("parrot")
        run.finish()
    return run
