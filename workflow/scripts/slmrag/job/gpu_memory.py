"""A job's GPU memory by NVML: of its processes, or of its devices if processes are hidden."""

import contextlib
import os
import time
from collections.abc import Collection
from typing import Any

from slmrag.job.gpu_lock import nvml_device, visible_devices
from slmrag.job.processes import process_exists

NOISE_BYTES = 64 * 2**20
"""Bytes by which the memory in use of an idle device varies."""
UTILIZATION_SECONDS = 5.0
"""Seconds back in which a process's utilization of a device counts."""


class Gpus:
    """The visible NVIDIA devices; without a driver there are none."""

    def __init__(self) -> None:
        """Open NVML if there is a driver, and read the bytes in use before the job."""
        self.method = self.utilization_method = "none"
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
        """Return the bytes in use by ``processes``, their utilization, and the fullest share."""
        if not self.devices:
            return {}
        import pynvml

        totals = [pynvml.nvmlDeviceGetMemoryInfo(gpu) for gpu in self.devices]
        share = max(100 * total.used / total.total for total in totals)
        used = sum(own_bytes(gpu, processes) for gpu in self.devices)
        if not used and any(map(hides_processes, self.devices)):
            used = self.bytes_above_baseline([total.used for total in totals])
        values = {"gpu_bytes": used, "gpu_memory_percent": round(share, 2)}
        busy = self.utilization_of(processes)
        return values | ({} if busy is None else {"gpu_percent": busy})

    def utilization_of(self, processes: Collection[int]) -> float | None:
        """Return the utilization of the busiest device by ``processes``, in percent.

        It is the whole device's if NVML does not distinguish processes, None if it is unknown.
        """
        own = [own_utilization(gpu, processes) for gpu in self.devices]
        known = [percent for percent in own if percent is not None]
        if known:
            self.utilization_method = "nvml per process"
            return max(known)
        known = [percent for percent in map(utilization, self.devices) if percent is not None]
        self.utilization_method = "nvml per device" if known else "none"
        return max(known, default=None)

    def bytes_above_baseline(self, used: Collection[int]) -> int:
        """Return the bytes in use above those before the job: containers hide process ids."""
        more = sum(max(0, now - was) for now, was in zip(used, self.baseline, strict=True))
        if more > NOISE_BYTES:
            self.method = "nvml device use above its baseline"
        return more if self.method.endswith("baseline") else 0

    def describe(self) -> dict[str, Any]:
        """Return the devices' names and sizes, and how their use was measured."""
        if not self.devices:
            return {"method": self.method, "utilisation": self.utilization_method, "devices": []}
        import pynvml

        devices = [
            {
                "name": str(pynvml.nvmlDeviceGetName(gpu)),
                "bytes": int(pynvml.nvmlDeviceGetMemoryInfo(gpu).total),
            }
            for gpu in self.devices
        ]
        return {"method": self.method, "utilisation": self.utilization_method, "devices": devices}


def own_bytes(gpu: Any, processes: Collection[int]) -> int:
    """Return a device's bytes held by ``processes``, as far as NVML shows them."""
    import pynvml

    with contextlib.suppress(pynvml.NVMLError):
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)
        return sum(entry.usedGpuMemory or 0 for entry in running if entry.pid in processes)
    return 0


def hides_processes(gpu: Any) -> bool:
    """Return whether a device's processes have ids unknown here, or unknown sizes."""
    import pynvml

    with contextlib.suppress(pynvml.NVMLError):
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)
        return any(
            entry.usedGpuMemory is None or not process_exists(entry.pid) for entry in running
        )
    return True


def own_utilization(gpu: Any, processes: Collection[int]) -> float | None:
    """Return the recent utilization of a device by ``processes`` in percent, None if unknown."""
    import pynvml

    latest: dict[int, Any] = {}
    with contextlib.suppress(pynvml.NVMLError, AttributeError):
        since = int((time.time() - UTILIZATION_SECONDS) * 1e6)
        for sample in pynvml.nvmlDeviceGetProcessUtilization(gpu, since):
            if sample.pid in processes:
                known = latest.setdefault(sample.pid, sample)
                latest[sample.pid] = max(known, sample, key=lambda one: one.timeStamp)
    return min(100, sum(sample.smUtil for sample in latest.values())) if latest else None


def utilization(gpu: Any) -> float | None:
    """Return a device's utilization in percent, None if unknown (a MIG slice)."""
    import pynvml

    try:
        return pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu
    except pynvml.NVMLError:
        return None
