"""The processes of a cluster on one machine: waited for, ended, or cut off like a node's power."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATIENCE = 300.0
"""Seconds: only a limit for what never comes; a busy machine is slow."""


def wait(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} within {seconds:.0f} s")
        time.sleep(0.1)


def output(*command: str) -> str:
    """Return what a command prints, an empty string where it fails."""
    return subprocess.run(command, capture_output=True, text=True).stdout


def end(pid_file: Path) -> None:
    """End the daemon that a PID file names, and wait until it is gone."""
    with suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        with suppress(TimeoutError):
            wait(lambda: gone(pid), f"process {pid} did not end", 15)
        os.kill(pid, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)


def gone(pid: int) -> bool:
    """Say whether a process has ended, though its parent may not have noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def cut_off(node: str, *daemons: int) -> None:
    """Stop a node's processes, so that none tells of another's end, then kill them all."""
    found: set[int] = set()
    while more := ({*daemons} | jobs_of(node)) - found:
        for pid in more:
            send(pid, signal.SIGSTOP)
        found |= more
    for pid in found:
        send(pid, signal.SIGKILL)
    wait(lambda: all(map(gone, found)), f"the processes of {node} did not end")


def send(pid: int, what: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, what)


def jobs_of(node: str) -> set[int]:
    """Return the processes of a node's jobs, and the step daemons above them."""
    mark, found = f"SLURMD_NODENAME={node}".encode(), set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found |= {int(folder.name), _parent(folder)}
    return {pid for pid in found if pid > 1 and not gone(pid) and not _is_daemon(pid)}


def _parent(folder: Path) -> int:
    lines = (folder / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("PPid")).split()[1])


def _is_daemon(pid: int) -> bool:
    with suppress(OSError):
        return b"slurmd\0-N" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
