"""A GPU is given to one job at a time."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from slmrag.errors import UserError
from slmrag.job import gpu_lock


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine that shows three GPUs, outside Slurm, with locks of its own."""
    monkeypatch.setenv(gpu_lock.VISIBLE_VARIABLE, "0,1,GPU-2")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_two_jobs_see_different_gpus():
    """What one job holds another does not see, and all are visible again at the end."""
    with gpu_lock.hold_gpus(1):
        first = os.environ[gpu_lock.VISIBLE_VARIABLE]
        os.environ[gpu_lock.VISIBLE_VARIABLE] = "0,1,GPU-2"
        with gpu_lock.hold_gpus(2):
            assert {first, *os.environ[gpu_lock.VISIBLE_VARIABLE].split(",")} == {"0", "1", "GPU-2"}
    assert os.environ[gpu_lock.VISIBLE_VARIABLE] == "0,1,GPU-2"


def test_a_job_waits_until_enough_gpus_are_free(tmp_path):
    """A job that wants more than are free starts when another process lets go of its own."""
    lock = "with gpu_lock.hold_gpus(2): print('held', flush=True); input()"
    program = f"from slmrag.job import gpu_lock\n{lock}"
    other = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"held\n"
    began = time.monotonic()
    other_ends = subprocess.Popen(["sh", "-c", f"sleep 1; kill {other.pid}"])
    with gpu_lock.hold_gpus(2):
        assert time.monotonic() - began >= 0.9
    assert other.wait() and other_ends.wait() == 0


def test_a_job_without_gpus_sees_none():
    """A job that asked for no GPU cannot take one."""
    with gpu_lock.hold_gpus(0):
        assert os.environ[gpu_lock.VISIBLE_VARIABLE] == ""


def test_more_gpus_than_there_are_is_said():
    """A job that can never start says so."""
    with (
        pytest.raises(UserError, match="asks for 4 GPUs and this machine shows 3"),
        gpu_lock.hold_gpus(4),
    ):
        pass


def test_slurm_s_gpus_are_left_alone(monkeypatch):
    """Within a Slurm job the devices are those that Slurm gave."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with gpu_lock.hold_gpus(2):
        assert os.environ[gpu_lock.VISIBLE_VARIABLE] == "0,1,GPU-2"


def test_a_machine_without_gpus_is_left_alone(monkeypatch, tmp_path):
    """Where no GPU is seen nothing is hidden, asked for or not."""
    monkeypatch.delenv(gpu_lock.VISIBLE_VARIABLE)
    assert gpu_lock.gpu_names(tmp_path) == []
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidiactl").touch()
    assert gpu_lock.gpu_names(tmp_path) == ["0"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [("0,1", 2), ("", 0), ("-1", 0), ("1,-1,0", 1), ("NoDevFiles", 0), ("GPU-2, MIG-7", 2)],
)
def test_what_is_hidden_is_not_shown(monkeypatch, names, expected):
    """The variable is read as CUDA reads it."""
    monkeypatch.setenv(gpu_lock.VISIBLE_VARIABLE, names)
    assert len(gpu_lock.gpu_names()) == gpu_lock.count_gpus() == expected


def test_nvml_shows_what_has_no_file(monkeypatch):
    """Under WSL a GPU has no file of its own, and its driver's library counts it."""
    monkeypatch.delenv(gpu_lock.VISIBLE_VARIABLE)
    monkeypatch.setattr(gpu_lock, "gpu_names", list)
    library = SimpleNamespace(nvmlInit=lambda: None, nvmlDeviceGetCount=lambda: 1)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert gpu_lock.count_gpus() == 1
    library.nvmlInit = lambda: 1 / 0
    assert gpu_lock.count_gpus() == 0


def test_a_gpu_beside_the_cpu_is_told_with_what_to_do():
    """The sentence names how many there are, why none is used, and how to mean the CPU."""
    told = gpu_lock.unused_gpu_sentence({"gpus_shown": 2}, "torch sees none; install another")
    assert told == (
        "it runs on the CPU although its machine shows 2 GPUs: torch sees none; install another, "
        "or set gpus: 0 if the CPU is meant"
    )
    assert "shows a GPU:" in gpu_lock.unused_gpu_sentence({"gpus_shown": 1}, "x")
    assert (
        gpu_lock.unused_gpu_sentence({"gpus_shown": 0}, "x")
        is gpu_lock.unused_gpu_sentence({}, "x")
        is None
    )
