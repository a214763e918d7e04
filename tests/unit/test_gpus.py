"""A GPU is given to one job at a time."""

import os
import subprocess
import sys
import time

import pytest
from slmrag import gpus
from slmrag.errors import UserError


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine that shows three GPUs, outside Slurm, with locks of its own."""
    monkeypatch.setenv(gpus.VISIBLE, "0,1,GPU-2")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_two_jobs_see_different_gpus():
    """What one job holds another does not see, and all are visible again at the end."""
    with gpus.held(1):
        first = os.environ[gpus.VISIBLE]
        os.environ[gpus.VISIBLE] = "0,1,GPU-2"
        with gpus.held(2):
            assert {first, *os.environ[gpus.VISIBLE].split(",")} == {"0", "1", "GPU-2"}
    assert os.environ[gpus.VISIBLE] == "0,1,GPU-2"


def test_a_job_waits_until_enough_gpus_are_free(tmp_path):
    """A job that wants more than are free starts when another process lets go of its own."""
    program = "from slmrag import gpus\nwith gpus.held(2): print('held', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"held\n"
    began = time.monotonic()
    other_ends = subprocess.Popen(["sh", "-c", f"sleep 1; kill {other.pid}"])
    with gpus.held(2):
        assert time.monotonic() - began >= 0.9
    assert other.wait() and other_ends.wait() == 0


def test_a_job_without_gpus_sees_none():
    """A job that asked for no GPU cannot take one."""
    with gpus.held(0):
        assert os.environ[gpus.VISIBLE] == ""


def test_more_gpus_than_there_are_is_said():
    """A job that can never start says so."""
    with pytest.raises(UserError, match="asks for 4 GPUs and this machine shows 3"), gpus.held(4):
        pass


def test_slurm_s_gpus_are_left_alone(monkeypatch):
    """Within a Slurm job the devices are those that Slurm gave."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with gpus.held(2):
        assert os.environ[gpus.VISIBLE] == "0,1,GPU-2"


def test_a_machine_without_gpus_is_left_alone(monkeypatch, tmp_path):
    """Where no GPU is seen nothing is hidden, asked for or not."""
    monkeypatch.delenv(gpus.VISIBLE)
    assert gpus.devices(tmp_path) == []
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidiactl").touch()
    assert gpus.devices(tmp_path) == ["0"]
