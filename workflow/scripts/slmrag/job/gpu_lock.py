"""Which GPUs a job may use where no scheduler says so: each is given to one job at a time."""

import fcntl
import logging
import os
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

from slmrag.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"
POLL_SECONDS = 0.5


def devices(driver: Path = Path("/dev")) -> list[str]:
    """Return the GPUs that this process may see, by the names that CUDA has for them."""
    named = visible_devices()
    files = enumerate(driver.glob("nvidia[0-9]*"))
    return [str(index) for index, _ in files] if named is None else named


def visible_devices() -> list[str] | None:
    """Return the GPUs that the environment names, by index or UUID; None where it names none.

    As for CUDA, -1 (or Slurm's NoDevFiles) hides itself and all that stands behind it.
    """
    if VISIBLE not in os.environ:
        return None
    names = (name.strip() for name in os.environ[VISIBLE].split(","))
    return list(takewhile(lambda name: name not in ("", "-1", "NoDevFiles"), names))


def nvml_device(name: str) -> Any:
    """Return NVML's handle of a device by its index or UUID; NVML's error where there is none."""
    import pynvml

    if name.isdigit():
        return pynvml.nvmlDeviceGetHandleByIndex(int(name))
    return pynvml.nvmlDeviceGetHandleByUUID(name.encode())


def count_shown() -> int:
    """Return how many NVIDIA GPUs this machine shows: by their files, else (WSL) by NVML."""
    if VISIBLE in os.environ or devices():
        return len(devices())
    with suppress(Exception):
        import pynvml

        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    return 0


def sentence_on_unused(hardware: Mapping[str, Any], reason: str) -> str | None:
    """Say that a job runs on the CPU beside a GPU; None where none is there, or ``gpus`` is set.

    ``reason`` says why, and what to do about it.
    """
    count = int(hardware.get("gpus_shown") or 0)
    if not count:
        return None
    gpus = "a GPU" if count == 1 else f"{count} GPUs"
    return (
        f"it runs on the CPU although its machine shows {gpus}: {reason}, or set gpus: 0 if the "
        "CPU is meant"
    )


@contextmanager
def held(count: int) -> Iterator[None]:
    """Let the job see ``count`` GPUs that no other job of this user holds; wait for them.

    Within a Slurm job the GPUs are Slurm's to give; a job that asks for none sees none.
    """
    present = devices()
    if not present or (count and "SLURM_JOB_ID" in os.environ):
        yield
        return
    if count > len(present):
        raise UserError(
            f"the job asks for {count} GPUs and this machine shows {len(present)}; "
            "lower gpus in the config, or run it where there are more"
        )
    before = os.environ.get(VISIBLE)
    with ExitStack() as locks:
        os.environ[VISIBLE] = ",".join(_take(present, count, locks))
        try:
            yield
        finally:
            os.environ.pop(VISIBLE)
            os.environ |= {VISIBLE: before} if before is not None else {}


def _take(present: list[str], count: int, locks: ExitStack) -> list[str]:
    """Lock ``count`` devices, all or none at a time, so that two jobs never wait for each other."""
    while True:
        with ExitStack() as tried:
            free = (name for name in present if _lock(name, tried))
            taken = [name for _, name in zip(range(count), free, strict=False)]
            if len(taken) == count:
                locks.push(tried.pop_all())
                return taken
        logging.getLogger(__name__).info("%d GPUs are wanted, %d are free", count, len(taken))
        time.sleep(POLL_SECONDS * (1 + random.random()))


def _lock(name: str, held: ExitStack) -> bool:
    folder = Path(tempfile.gettempdir(), f"slmrag-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / name.replace("/", "_"), os.O_RDWR | os.O_CREAT, 0o600)
    held.callback(os.close, file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
