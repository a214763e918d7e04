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


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups at its turn
def pytest_collection_modifyitems(config, items):
    """Begin with the longest rooms; a file's tests, and all of the cluster, go to one worker."""
    places = {item: item.path.relative_to(ROOT / "tests").parts for item in items}
    rank = {room: number for number, room in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(places[item][0], len(FIRST)))
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            room, *file = places[item]
            if item.path.name not in SPREAD:
                group = room if room == "slurm" else "/".join((room, *file))
                item.add_marker(pytest.mark.xdist_group(group))


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
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(f"{folder}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder

    return made
