"""Host memory of the job's process tree, and the GPU that it ran on, where there is one."""

import os
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


def device_facts() -> dict[str, Any]:
    """Return gpu_name and driver through NVML; nothing where there is no GPU or no NVML."""
    with suppress(Exception):
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        return {
            "gpu_name": str(pynvml.nvmlDeviceGetName(handle)),
            "driver": str(pynvml.nvmlSystemGetDriverVersion()),
        }
    return {}
