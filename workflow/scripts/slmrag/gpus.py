"""Which GPUs a job may use where no scheduler says so: each is given to one job at a time."""

import fcntl
import logging
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from slmrag.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"
POLL_SECONDS = 0.5


def devices(driver: Path = Path("/dev")) -> list[str]:
    """Return the GPUs that this process may see, by the names that CUDA has for them."""
    if VISIBLE in os.environ:
        return [name.strip() for name in os.environ[VISIBLE].split(",") if name.strip()]
    return [str(index) for index, _ in enumerate(driver.glob("nvidia[0-9]*"))]


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
