"""A job's GPU memory through NVML: of its processes, or of its devices where those are hidden."""

import contextlib
import os
import time
from collections.abc import Collection
from typing import Any

from slmrag.job.gpu_lock import nvml_device, visible_devices
from slmrag.job.processes import exists

NOISE_BYTES = 64 * 2**20
"""Bytes by which a device's use moves by itself."""
RECENT_SECONDS = 5.0
"""Seconds back in which a process's last use of a device counts."""


class Gpus:
    """The visible NVIDIA devices; without a driver there are none, and nothing is measured."""

    def __init__(self) -> None:
        """Open NVML if a driver answers, and note each device's use before the job."""
        self.method = self.busy_method = "none"
        self.devices: list[Any] = []
        self.baseline: list[int] = []
        if os.path.exists("/proc/driver/nvidia/version") or os.path.exists("/dev/nvidiactl"):
            with contextlib.suppress(Exception):
                self.open()

    def open(self) -> None:
        """Find the devices that this job may use."""
        import pynvml

        pynvml.nvmlInit()
        names = visible_devices()
        if names is None:
            names = [str(index) for index in range(pynvml.nvmlDeviceGetCount())]
        self.devices = [nvml_device(name) for name in names]
        self.baseline = [pynvml.nvmlDeviceGetMemoryInfo(gpu).used for gpu in self.devices]
        self.method = "nvml per process" if self.devices else "none"

    def measure(self, processes: Collection[int]) -> dict[str, float]:
        """Return bytes in use by ``processes``, the highest utilization and the fullest device."""
        if not self.devices:
            return {}
        import pynvml

        totals = [pynvml.nvmlDeviceGetMemoryInfo(gpu) for gpu in self.devices]
        share = max(100 * total.used / total.total for total in totals)
        used = sum(own_bytes(gpu, processes) for gpu in self.devices)
        if not used and any(map(hidden, self.devices)):
            used = self.above([total.used for total in totals])
        values = {"gpu_bytes": used, "gpu_memory_percent": round(share, 2)}
        busy = self.busy(processes)
        return values | ({} if busy is None else {"gpu_percent": busy})

    def busy(self, processes: Collection[int]) -> float | None:
        """Return the utilization, in percent, that ``processes`` make of their busiest device.

        It is the device's own where NVML does not tell processes apart, None where it tells none.
        """
        own = [own_utilization(gpu, processes) for gpu in self.devices]
        known = [percent for percent in own if percent is not None]
        if known:
            self.busy_method = "nvml per process"
            return max(known)
        known = [percent for percent in map(utilization, self.devices) if percent is not None]
        self.busy_method = "nvml per device" if known else "none"
        return max(known, default=None)

    def above(self, used: Collection[int]) -> int:
        """Return the devices' bytes above what was in use before: containers hide process ids."""
        more = sum(max(0, now - was) for now, was in zip(used, self.baseline, strict=True))
        if more > NOISE_BYTES:
            self.method = "nvml device use above its baseline"
        return more if self.method.endswith("baseline") else 0

    def describe(self) -> dict[str, Any]:
        """Return the devices' names, sizes and how their use was measured."""
        if not self.devices:
            return {"method": self.method, "utilisation": self.busy_method, "devices": []}
        import pynvml

        devices = [
            {
                "name": str(pynvml.nvmlDeviceGetName(gpu)),
                "bytes": int(pynvml.nvmlDeviceGetMemoryInfo(gpu).total),
            }
            for gpu in self.devices
        ]
        return {"method": self.method, "utilisation": self.busy_method, "devices": devices}


def own_bytes(gpu: Any, processes: Collection[int]) -> int:
    """Return a device's bytes held by ``processes``, as far as NVML shows them."""
    import pynvml

    with contextlib.suppress(pynvml.NVMLError):
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)
        return sum(entry.usedGpuMemory or 0 for entry in running if entry.pid in processes)
    return 0


def hidden(gpu: Any) -> bool:
    """Say whether a device shows ids of processes that are not seen from here, or no sizes."""
    import pynvml

    with contextlib.suppress(pynvml.NVMLError):
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)
        return any(entry.usedGpuMemory is None or not exists(entry.pid) for entry in running)
    return True


def own_utilization(gpu: Any, processes: Collection[int]) -> float | None:
    """Return the percent of a device's time that ``processes`` used last, None if not told."""
    import pynvml

    latest: dict[int, Any] = {}
    with contextlib.suppress(pynvml.NVMLError, AttributeError):
        since = int((time.time() - RECENT_SECONDS) * 1e6)
        for sample in pynvml.nvmlDeviceGetProcessUtilization(gpu, since):
            if sample.pid in processes:
                known = latest.setdefault(sample.pid, sample)
                latest[sample.pid] = max(known, sample, key=lambda one: one.timeStamp)
    return min(100, sum(sample.smUtil for sample in latest.values())) if latest else None


def utilization(gpu: Any) -> float | None:
    """Return a device's utilization in percent, None where it does not tell (a MIG slice)."""
    import pynvml

    try:
        return pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu
    except pynvml.NVMLError:
        return None
