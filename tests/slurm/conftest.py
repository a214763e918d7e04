"""One cluster for all tests of this folder, and projects whose jobs go through it."""

import shutil

import pytest

from tests.slurm.cluster import Cluster, missing
from tests.slurm.driver import through_slurm
from tests.workflow.project import Project, make_project

CELLS = ["no_context", "oracle_context", "retriever_context"]
PROMPTS = 15
ECHO = {"engine": "echo", "options": {"delay": 1.5}, "mem_mb": 1500}


@pytest.fixture(scope="session")
def slurm():
    """A running cluster; skipped with the reason where none can be started."""
    if reason := missing():
        pytest.skip(reason)
    with Cluster() as running:
        yield running


@pytest.fixture
def cluster(slurm):
    """The cluster with all its nodes idle, started anew where a test left it otherwise."""
    if not slurm.whole():
        slurm.start()
    return slurm


@pytest.fixture(scope="session")
def finished(slurm, tmp_path_factory):
    """A whole run through Slurm: a model on a GPU, one short of memory, one short of time."""
    models = {
        "parrot": ECHO | {"gpus": 1},
        "fat": ECHO | {"temperature": 0.1, "mem_mb": 250},
        # 15 x 8 s: more than a minute and Slurm's grace, less than that and the second's two.
        "late": ECHO | {"temperature": 0.2, "runtime": 1, "options": {"delay": 8.0}},
    }
    project = make_project(tmp_path_factory.mktemp("slurm") / "project", models=models)
    with through_slurm(project, "--set-threads", "build_prompts=4") as run:
        run.seen["devices"] = run.environment("parrot")["CUDA_VISIBLE_DEVICES"]
        run.finish()
    return run


@pytest.fixture(scope="session")
def prompted(slurm, tmp_path_factory):
    """A project whose prompts are built; copy it, never change it."""
    project = make_project(tmp_path_factory.mktemp("prompted") / "project")
    project.run(*(f"results/tiny/prompts/quiz/{cell}.parquet" for cell in CELLS))
    return project


@pytest.fixture
def prepared(cluster, prompted, tmp_path):
    """Return a function that makes a project with its prompts built and these models."""

    def make(**models) -> Project:
        project = Project(tmp_path / "project")
        shutil.copytree(prompted.folder, project.folder, symlinks=True)
        project.edit(models={"parrot": None} | {n: ECHO | entry for n, entry in models.items()})
        return project

    return make
