"""One finished tiny run, copied by each test that edits it."""

import shutil
from pathlib import Path

import pytest

from tests.workflow.project import ROOT, Project, make_project

COPIED = ("Snakefile", "rules", "workflow", "profiles", "config", "envs")


def copy_repo(target: Path) -> None:
    """Copy what a run needs of the repository, so that a test can edit it."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignore, symlinks=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


@pytest.fixture(scope="session")
def echo_run(tmp_path_factory) -> Project:
    """A whole run with the echo engine; copy it, never change it."""
    project = make_project(tmp_path_factory.mktemp("echo") / "project")
    project.run()
    return project
