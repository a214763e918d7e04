"""Host memory of the job's process tree, and the GPU that it ran on, where there is one."""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any


def tree_peak_bytes() -> int:
    """Return the summed peak resident sets of this process and all below it (Linux; else 0)."""
    total, queue = 0, [os.getpid()]
    while queue:
        process = Path("/proc", str(queue.pop()))
        with suppress(OSError, ValueError):
            total += _peak(process)
            for task in (process / "task").iterdir():
                queue.extend(map(int, (task / "children").read_text().split()))
    return total


def _peak(process: Path) -> int:
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_name(about: Path = Path("/proc/cpuinfo")) -> str:
    """Return the name of this machine's CPU, of its architecture where the system tells no name."""
    with suppress(OSError):
        for line in about.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def first_gpu() -> dict[str, Any]:
    """Return name, driver, capability and memory_bytes of the job's first GPU, or nothing."""
    with suppress(Exception):
        import pynvml

        pynvml.nvmlInit()
        handle = _handle(pynvml, os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0])
        return {
            "name": str(pynvml.nvmlDeviceGetName(handle)),
            "driver": str(pynvml.nvmlSystemGetDriverVersion()),
            "capability": tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle)),
            "memory_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
            "used_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).used),
            "energy_millijoules": _energy(pynvml, handle),
        }
    return {}


def _handle(nvml: Any, visible: str) -> Any:
    if visible.startswith(("GPU-", "MIG-")):
        return nvml.nvmlDeviceGetHandleByUUID(visible)
    return nvml.nvmlDeviceGetHandleByIndex(int(visible or 0))


def _energy(nvml: Any, handle: Any) -> int | None:
    """Return the energy used since the driver was loaded, where the GPU counts it."""
    with suppress(Exception):
        return int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    return None
