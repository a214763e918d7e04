"""What a cluster refuses: a clear word, no endless queue, nothing lost."""

import os
import sys
from pathlib import Path

import pytest

from tests.slurm.conftest import ECHO
from tests.slurm.driver import PROFILE, executions, through_slurm
from tests.workflow.project import make_project

pytestmark = pytest.mark.slow
PARTITION = ["--set-resources", "generate_answers:slurm_partition=nowhere"]


def test_a_partition_that_is_not_there_is_named(prepared):
    """A wrong partition ends the run at its first job, in Slurm's words; a right one goes on."""
    project = prepared(parrot={"options": {"delay": 0.0}})
    with through_slurm(project, "answers", *PARTITION) as run:
        run.fail()
    assert "invalid partition" in run.log.lower()
    with through_slurm(project, "answers") as run:
        run.finish()
    assert executions(project)["generate_answers/parrot"] == 1


def test_an_account_that_one_does_not_have_is_named(prepared, tmp_path, monkeypatch):
    """A wrong account ends the run before a job is queued, and one's own are listed."""
    accounts = tmp_path / "bin/sacctmgr"
    accounts.parent.mkdir()
    accounts.write_text("#!/bin/sh\necho physics\n")
    accounts.chmod(0o755)
    monkeypatch.setenv("PATH", f"{accounts.parent}:{os.environ['PATH']}")
    project = prepared(parrot={})
    with through_slurm(project, "answers", "--default-resources", "slurm_account=lab") as run:
        run.fail()
    assert "account lab appears to be invalid" in run.log
    assert "physics" in run.log
    assert not executions(project)["generate_answers/parrot"]


def test_more_gpus_than_any_node_has_are_refused(prepared):
    """A model that no node can hold ends the run in Slurm's words, not in an endless queue."""
    project = prepared(parrot={"gpus": 3})
    with through_slurm(project, "answers") as run:
        run.fail()
    assert "Requested node configuration is not available" in run.log


def test_without_slurm_the_run_says_so(tmp_path):
    """Where `sbatch` is not installed the error names it, and nothing is run."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in Path("/usr/bin").iterdir():
        if tool.name not in ("sbatch", "squeue", "scancel", "sacct", "sinfo"):
            (tools / tool.name).symlink_to(tool)
    project = make_project(tmp_path / "project", models={"parrot": ECHO})
    path = f"{os.path.dirname(sys.executable)}:{tools}"
    args = ["--profile", PROFILE, "--", "retrieval"]
    done = project.snakemake(*args, check=False, env={"PATH": path})
    assert done.returncode != 0
    assert "needs sbatch, squeue, scancel, not found on this machine" in done.stderr
    assert not (project.folder / "resources/raw").exists()
