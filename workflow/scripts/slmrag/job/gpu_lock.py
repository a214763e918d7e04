"""Gives each GPU to one local job at a time, where no scheduler does."""

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

VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"
POLL_SECONDS = 0.5


def gpu_names(driver: Path = Path("/dev")) -> list[str]:
    """Return the GPUs that this process may see, by their CUDA names."""
    named = visible_devices()
    files = enumerate(driver.glob("nvidia[0-9]*"))
    return [str(index) for index, _ in files] if named is None else named


def visible_devices() -> list[str] | None:
    """Return the GPUs that the environment names, by index or UUID; None where it names none.

    As in CUDA, -1 (or Slurm's NoDevFiles) hides itself and all names after it.
    """
    if VISIBLE_VARIABLE not in os.environ:
        return None
    names = (name.strip() for name in os.environ[VISIBLE_VARIABLE].split(","))
    return list(takewhile(lambda name: name not in ("", "-1", "NoDevFiles"), names))


def nvml_device(name: str) -> Any:
    """Return NVML's handle of a device by its index or UUID; NVML's error if there is none."""
    import pynvml

    if name.isdigit():
        return pynvml.nvmlDeviceGetHandleByIndex(int(name))
    return pynvml.nvmlDeviceGetHandleByUUID(name.encode())


def count_gpus() -> int:
    """Return the number of NVIDIA GPUs of this machine: by their files, else (WSL) by NVML."""
    if VISIBLE_VARIABLE in os.environ or gpu_names():
        return len(gpu_names())
    with suppress(Exception):
        import pynvml

        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    return 0


def unused_gpu_sentence(hardware: Mapping[str, Any], reason: str) -> str | None:
    """Say that a job runs on the CPU although there is a GPU; None without one, or with ``gpus``.

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
def hold_gpus(count: int) -> Iterator[None]:
    """Wait for ``count`` GPUs that no other job of this user holds, and show them to the job.

    Within a Slurm job, Slurm gives the GPUs. A job that asks for none sees none.
    """
    present = gpu_names()
    if not present or (count and "SLURM_JOB_ID" in os.environ):
        yield
        return
    if count > len(present):
        raise UserError(
            f"the job asks for {count} GPUs and this machine shows {len(present)}; "
            "lower gpus in the config, or run it where there are more"
        )
    before = os.environ.get(VISIBLE_VARIABLE)
    with ExitStack() as locks:
        os.environ[VISIBLE_VARIABLE] = ",".join(_lock_gpus(present, count, locks))
        try:
            yield
        finally:
            os.environ.pop(VISIBLE_VARIABLE)
            os.environ |= {VISIBLE_VARIABLE: before} if before is not None else {}


def _lock_gpus(present: list[str], count: int, locks: ExitStack) -> list[str]:
    """Lock ``count`` devices, all or none at a time, so that two jobs never wait for each other."""
    while True:
        with ExitStack() as tried:
            free = (name for name in present if _lock_gpu(name, tried))
            taken = [name for _, name in zip(range(count), free, strict=False)]
            if len(taken) == count:
                locks.push(tried.pop_all())
                return taken
        logging.getLogger(__name__).info("%d GPUs are wanted, %d are free", count, len(taken))
        time.sleep(POLL_SECONDS * (1 + random.random()))


def _lock_gpu(name: str, held: ExitStack) -> bool:
    folder = Path(tempfile.gettempdir(), f"slmrag-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / name.replace("/", "_"), os.O_RDWR | os.O_CREAT, 0o600)
    held.callback(os.close, file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
