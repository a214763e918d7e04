"""What all tests share: nothing is fetched, nothing outlives a test, no run waits for another."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

settings.register_profile("quiet", deadline=None)  # a busy machine is no failure
settings.load_profile("quiet")

ROOT = Path(__file__).parents[1]
FIRST = ("slurm", "generation", "workflow")
"""The rooms that take longest, so that no worker ends with one of them alone."""
SPREAD = {"test_reruns.py", "test_edits_at_once.py", "test_bad_machine.py", "test_command_line.py"}
"""Files whose tests share nothing but what ``once`` makes."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep a file's tests, and all of the cluster, on one worker; spread those of ``SPREAD``.

    (xdist's own groups, at 3.8.0, have no effect with pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = Path(nodeid.partition("::")[0])
            if path.name in SPREAD:
                return nodeid
            return "slurm" if path.parent.name == "slurm" else str(path)

    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    """Begin with the longest rooms."""
    rank = {room: number for number, room in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(FIRST)))


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(tmp_path_factory):
    """A folder for temporary files and the locks of GPUs, of this worker alone."""
    folder = tmp_path_factory.getbasetemp() / "tmp"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Return a function that fills a folder once for all workers; copy it, never change it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent / "shared" if "PYTEST_XDIST_WORKER" in os.environ else base
    shared.mkdir(exist_ok=True)  # as deep as a worker's own folders

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(f"{folder}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder

    return made
