"""A process tree and the memory that it holds, read from Linux's ``/proc``."""

import contextlib
import os
import time
from collections.abc import Collection, Iterable

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
EXITING_FLAG = 0x4
"""PF_EXITING among the flags of proc(5)'s stat."""


def process_tree(root: int, without: Collection[int] = ()) -> list[int]:
    """Return the ids of ``root`` and its descendants, except those in or below ``without``."""
    found = [root]
    for process in found:
        found.extend(child for child in child_processes(process) if child not in without)
    return found


def child_processes(process: int) -> list[int]:
    """Return the ids of a process's children (none where it is gone)."""
    tasks = f"/proc/{process}/task"
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/children") as file:
                found.extend(map(int, file.read().split()))
    return found


def resident_bytes(processes: Iterable[int]) -> int:
    """Return the summed resident set in bytes (pages shared by two processes count twice)."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError, IndexError), open(f"/proc/{process}/statm") as file:
            total += int(file.read().split()[1]) * PAGE_BYTES
    return total


def proportional_bytes(processes: Iterable[int]) -> int:
    """Return the summed proportional set in bytes (a shared page is divided among its users)."""
    total = 0
    for process in processes:
        with (
            contextlib.suppress(OSError),
            open(f"/proc/{process}/smaps_rollup") as file,
        ):
            total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    return total


def peak_resident_bytes(process: int) -> int:
    """Return a process's peak resident set in bytes, with spikes between samples."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/status") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
    return 0


def process_exists(process: int) -> bool:
    """Return whether a process exists on this machine."""
    return os.path.exists(f"/proc/{process}")


def begin_time(process: int) -> float | None:
    """Return when a process began, in seconds of the clock; None if there is none."""
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    with contextlib.suppress(OSError), open(f"/proc/{process}/stat") as file:
        return booted + int(file.read().rpartition(")")[2].split()[19]) / TICKS_PER_SECOND
    return None


def is_working(process: int) -> bool:
    """Return whether a process runs, is about to, or waits for a disk; False where it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] in ("R", "D")
    return False


def is_exiting(process: int) -> bool:
    """Return whether a process is exiting: its pipes close before it can be waited for."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/stat") as file:
        return bool(int(file.read().rpartition(")")[2].split()[6]) & EXITING_FLAG)
    return True
