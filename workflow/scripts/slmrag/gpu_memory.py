"""A job's GPU memory through NVML: of its processes, or of its devices where those are hidden."""

import contextlib
import os
from collections.abc import Collection
from typing import Any


def visible(count: int, environment: str | None) -> list[int | str]:
    """Return the devices named by ``CUDA_VISIBLE_DEVICES``: indices, or UUIDs as they stand."""
    if environment is None:
        return list(range(count))
    names = [name.strip() for name in environment.split(",") if name.strip()]
    return [int(name) if name.isdigit() else name for name in names]


class Gpus:
    """The visible NVIDIA devices; without a driver there are none, and nothing is measured."""

    def __init__(self) -> None:
        """Open NVML if a driver answers, and note each device's use before the job."""
        self.method = "none"
        self.devices: list[Any] = []
        self.baseline: list[int] = []
        if os.path.exists("/proc/driver/nvidia/version") or os.path.exists("/dev/nvidiactl"):
            with contextlib.suppress(Exception):
                self.open()

    def open(self) -> None:
        """Find the devices that this job may use."""
        import pynvml

        pynvml.nvmlInit()
        names = visible(pynvml.nvmlDeviceGetCount(), os.environ.get("CUDA_VISIBLE_DEVICES"))
        self.devices = [device(name) for name in names]
        self.baseline = [pynvml.nvmlDeviceGetMemoryInfo(gpu).used for gpu in self.devices]
        self.method = "nvml per process" if self.devices else "none"

    def measure(self, processes: Collection[int]) -> dict[str, float]:
        """Return bytes in use by ``processes`` and the highest utilisation in percent."""
        if not self.devices:
            return {}
        import pynvml

        used = sum(own_bytes(gpu, processes) for gpu in self.devices)
        totals = [pynvml.nvmlDeviceGetMemoryInfo(gpu) for gpu in self.devices]
        above = sum(
            max(0, total.used - before) for total, before in zip(totals, self.baseline, strict=True)
        )
        if not used and above:
            used, self.method = above, "nvml device use above its baseline"
        busy = max(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu for gpu in self.devices)
        share = max(100 * total.used / total.total for total in totals)
        return {"gpu_bytes": used, "gpu_percent": busy, "gpu_memory_percent": round(share, 2)}

    def describe(self) -> dict[str, Any]:
        """Return the devices' names, sizes and how their use was measured."""
        if not self.devices:
            return {"method": self.method, "devices": []}
        import pynvml

        devices = [
            {
                "name": str(pynvml.nvmlDeviceGetName(gpu)),
                "bytes": int(pynvml.nvmlDeviceGetMemoryInfo(gpu).total),
            }
            for gpu in self.devices
        ]
        return {"method": self.method, "devices": devices}


def device(name: int | str) -> Any:
    """Return NVML's handle of a device by index or UUID."""
    import pynvml

    if isinstance(name, int):
        return pynvml.nvmlDeviceGetHandleByIndex(name)
    return pynvml.nvmlDeviceGetHandleByUUID(name.encode())


def own_bytes(gpu: Any, processes: Collection[int]) -> int:
    """Return a device's bytes held by ``processes``, as far as NVML shows them."""
    import pynvml

    running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)
    return sum(entry.usedGpuMemory or 0 for entry in running if entry.pid in processes)
