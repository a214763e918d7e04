"""GPU memory is read through NVML, here a stand-in with the same functions."""

import sys
from types import SimpleNamespace

import pytest
from slmrag.job.gpu_memory import Gpus

GIB = 2**30


class NVMLError(Exception):
    """NVML's own error."""


def nvml(running, used=0, total=80 * GIB, busy=50):
    """Return a module whose one device has processes, memory and utilization."""
    state = SimpleNamespace(running=running, used=used)

    def utilization(gpu):
        if busy is None:
            raise NVMLError
        return SimpleNamespace(gpu=busy)

    return state, SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetMemoryInfo=lambda gpu: SimpleNamespace(used=state.used, total=total),
        nvmlDeviceGetComputeRunningProcesses=lambda gpu: [
            SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in state.running.items()
        ],
        nvmlDeviceGetUtilizationRates=utilization,
        nvmlDeviceGetName=lambda gpu: "GPU",
    )


@pytest.fixture
def opened(monkeypatch):
    """A function that returns what measures a stand-in, and the stand-in's state."""

    def make(**device):
        state, module = nvml(**device)
        monkeypatch.setitem(sys.modules, "pynvml", module)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        gpus = Gpus()
        gpus.open()
        return gpus, state

    return make


def test_only_the_jobs_processes_count(opened):
    """Another's memory on the same device is not the job's."""
    gpus, _ = opened(running={7: 2 * GIB, 8: 5 * GIB}, used=7 * GIB)
    measured = gpus.measure({1, 7})
    assert measured["gpu_bytes"] == 2 * GIB
    assert measured["gpu_percent"] == 50
    assert measured["gpu_memory_percent"] == pytest.approx(100 * 7 / 80, abs=0.01)
    assert gpus.describe() == {
        "method": "nvml per process",
        "utilisation": "nvml per device",
        "devices": [{"name": "GPU", "bytes": 80 * GIB}],
    }


def test_utilisation_by_process(opened):
    """The job's processes' last samples are added up; another's use is not the job's."""
    gpus, _ = opened(running={7: GIB, 8: GIB}, used=2 * GIB)
    samples = [(7, 1, 90), (7, 2, 30), (8, 2, 20), (9, 2, 50)]
    told = [SimpleNamespace(pid=p, timeStamp=when, smUtil=use) for p, when, use in samples]
    tell = {"nvmlDeviceGetProcessUtilization": lambda gpu, since: told}
    vars(sys.modules["pynvml"]).update(tell)
    assert gpus.measure({7, 8})["gpu_percent"] == 50
    assert gpus.describe()["utilisation"] == "nvml per process"


def test_processes_without_a_size(opened):
    """Where NVML names the processes but not their memory, the device's growth counts."""
    gpus, state = opened(running={}, used=GIB)
    state.running, state.used = {7: None}, 5 * GIB
    assert gpus.measure({7})["gpu_bytes"] == 4 * GIB
    assert gpus.describe()["method"] == "nvml device use above its baseline"


def test_hidden_process_ids(opened):
    """Where NVML shows the host's process ids, the device's growth counts, and is named so."""
    gpus, state = opened(running={}, used=3 * GIB)
    assert gpus.measure({1})["gpu_bytes"] == 0
    state.running, state.used = {2**22 + 5: 4 * GIB}, 7 * GIB
    assert gpus.measure({1})["gpu_bytes"] == 4 * GIB
    assert gpus.describe()["method"] == "nvml device use above its baseline"


def test_a_neighbor_is_not_the_job(opened):
    """Where the processes on the device can be seen from here, their memory is not the job's."""
    gpus, state = opened(running={}, used=0)
    state.running, state.used = {1: 4 * GIB}, 4 * GIB
    assert gpus.measure({7})["gpu_bytes"] == 0


def test_a_slice_without_utilisation(opened):
    """A device that does not tell its utilization still tells its memory."""
    gpus, _ = opened(running={7: GIB}, used=GIB, busy=None)
    assert gpus.measure({7}) == {"gpu_bytes": GIB, "gpu_memory_percent": 1.25}


def test_without_a_driver_there_is_nothing():
    """A machine without NVML measures nothing and says so."""
    gpus = Gpus()
    if gpus.devices:
        pytest.skip("this machine has a GPU")
    assert gpus.measure({1}) == {}
    assert gpus.describe() == {"method": "none", "utilisation": "none", "devices": []}


@pytest.mark.parametrize(
    ("variable", "devices"),
    [(None, [0, 1]), ("1", [1]), ("", []), ("-1", []), ("GPU-abc, 0", [b"GPU-abc", 0])],
)
def test_visible_devices_are_measured(opened, monkeypatch, variable, devices):
    """``CUDA_VISIBLE_DEVICES`` names devices by index or UUID; unset means all."""
    gpus, _ = opened(running={})
    monkeypatch.setattr(sys.modules["pynvml"], "nvmlDeviceGetCount", lambda: 2)
    if variable is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    gpus.open()
    assert gpus.devices == devices
