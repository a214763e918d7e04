"""Finished tiny runs, copied by each test that edits one."""

import pytest

from tests.workflow.finished import BATCHES, both, made
from tests.workflow.project import Project, make_project


@pytest.fixture(scope="session")
def echo_run(tmp_path_factory) -> Project:
    """A whole run with the echo engine; copy it, never change it."""
    project = make_project(tmp_path_factory.mktemp("echo") / "project")
    project.run()
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> dict[str, Project]:
    """A finished run by each way to cut jobs; copy it, never change it."""
    folder = tmp_path_factory.mktemp("finished")
    return dict(zip(BATCHES, both(lambda batch: made(folder / batch, batch), BATCHES), strict=True))
