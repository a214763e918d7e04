"""Host memory of the job's process tree, and the GPU that it ran on, where there is one."""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.job.gpu_lock import nvml_device, visible_devices
from slmrag.job.processes import peak_resident_bytes, process_tree


def tree_peak_bytes() -> int:
    """Return the summed peak resident sets of this process and all below it (Linux; else 0)."""
    return sum(map(peak_resident_bytes, process_tree(os.getpid())))


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
        names = visible_devices()
        handle = nvml_device("0" if names is None else names[0])
        return {
            "name": str(pynvml.nvmlDeviceGetName(handle)),
            "driver": str(pynvml.nvmlSystemGetDriverVersion()),
            "capability": tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle)),
            "memory_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
            "used_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).used),
            "energy_millijoules": _energy_millijoules(pynvml, handle),
        }
    return {}


def _energy_millijoules(nvml: Any, handle: Any) -> int | None:
    """Return the energy used since the driver was loaded, where the GPU counts it."""
    with suppress(Exception):
        return int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    return None
