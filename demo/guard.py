"""Processes that end with the demo, however it ends, and those that a kill left behind.

What is started here carries its demo's folder in the environment; by it its descendants are
found, whatever session they made for themselves. A watcher beside them waits for the demo's end:
``python demo/guard.py FOLDER`` ends them when its standard input closes without a word.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "SLM_DEMO_FOLDER"
STOP_SECONDS = 30


def run(command: list[str], folder: Path, environment: Mapping[str, str], cwd: Path) -> int:
    """Run a command in a session of its own; return its exit status.

    An interruption is passed on, then what has not ended in half a minute is killed.
    """
    with watched(folder):
        marked_environment = {**environment, MARK: str(folder)}
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=marked_environment,
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )
        try:
            return process.wait()
        except BaseException:
            interrupt(process)
            end_marked(folder)
            raise


def heed_interrupts() -> None:
    """Undo what a shell does to a command in the background: it lets it ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Let a watcher end what is marked with ``folder`` if this process ends within the block."""
    command = [sys.executable, "-S", str(Path(__file__)), str(folder)]
    watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        watcher.communicate(b"done")


def interrupt(process: subprocess.Popen) -> None:
    """Let a process and its group end their work; a second Ctrl-C does not hurry them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)


def end_marked(folder: Path) -> int:
    """Kill all processes that carry the folder's mark; return how many there were."""
    ended = 0
    while pids := marked(folder):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ended += len(pids)
        time.sleep(0.1)
    return ended


def marked(folder: Path) -> list[int]:
    """Return the ids of the living processes that carry the folder's mark."""
    mark = f"{MARK}={folder}".encode()
    environments = Path("/proc").glob("[0-9]*/environ")
    return [int(path.parent.name) for path in environments if mark in entries(path)]


def entries(path: Path) -> list[bytes]:
    """Return a process's environment; nothing where it is gone, dead or another user's."""
    try:
        return path.read_bytes().split(b"\0")
    except OSError:
        return []


if __name__ == "__main__":
    if not sys.stdin.read():
        end_marked(Path(sys.argv[1]))
