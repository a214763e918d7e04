"""Finished tiny runs, copied by each test that edits one."""

import pytest

from tests.workflow.finished import BATCHES, both, made
from tests.workflow.project import Project, make_project


@pytest.fixture(scope="session")
def echo_run(once) -> Project:
    """A whole run with the echo engine; copy it, never change it.

    It lies as deep as a test's own copy: a template's path leads up from the project.
    """
    return Project(once("echo", lambda folder: make_project(folder / "project").run()) / "project")


@pytest.fixture(scope="session")
def finished(once) -> dict[str, Project]:
    """A finished run by each way to cut jobs; copy it, never change it."""
    folder = once(
        "finished", lambda folder: both(lambda batch: made(folder / batch, batch), BATCHES)
    )
    return {batch: Project(folder / batch) for batch in BATCHES}
