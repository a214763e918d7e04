"""The memory of a process tree is seen while it is held."""

import json
import os
import subprocess
import sys

from slmrag.job.events import EventLog
from slmrag.job.memory import Sampler
from slmrag.job.processes import child_processes, process_tree, proportional_bytes, resident_bytes

HOLD = "import time; block = bytearray(80_000_000); print('held', flush=True); time.sleep({})"


def held(seconds):
    """Return a child whose own child holds 80 MB."""
    outer = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    command = [sys.executable, "-c", outer, HOLD.format(seconds)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    return child


def test_a_grandchild_is_seen(tmp_path):
    """What a grandchild holds is in the peak within a tenth, RSS and PSS alike."""
    before = resident_bytes(process_tree(os.getpid()))
    with held(1.0) as child:
        after, share = (
            resident_bytes(process_tree(os.getpid())),
            proportional_bytes(process_tree(child.pid)),
        )
    assert 80e6 <= after - before <= 80e6 + 60e6
    assert 80e6 <= share <= 80e6 + 40e6


def test_a_branch_can_be_left_out():
    """A child that is left out takes its own children with it."""
    with held(0.5) as child:
        assert child.pid in child_processes(os.getpid())
        assert child.pid not in process_tree(os.getpid(), {child.pid})
        assert len(process_tree(child.pid)) == 2


def test_peaks_by_component(tmp_path):
    """A component's peak is what was held while it was named, and the file says how it ended."""
    log = EventLog(tmp_path / "events.jsonl")
    sampler = Sampler(log, tmp_path / "memory_usage.json", interval=0.02)
    sampler.start()
    log.components.append("model")
    block = bytearray(b"x") * 60_000_000
    sampler.sample()
    log.components.remove("model")
    size = len(block)
    del block
    sampler.finish("completed")
    summary = json.loads((tmp_path / "memory_usage.json").read_text())
    assert summary["status"] == "completed"
    assert summary["components"]["model"]["rss_bytes"] >= size
    assert summary["peak"]["rss_bytes"] >= summary["components"]["model"]["rss_bytes"]
    assert summary["samples"] >= 2


def test_a_killed_job_leaves_its_memory(tmp_path):
    """The summary is there from the first sample on, with the status ``running``."""
    sampler = Sampler(EventLog(tmp_path / "events.jsonl"), tmp_path / "memory_usage.json")
    sampler.sample()
    assert json.loads((tmp_path / "memory_usage.json").read_text())["status"] == "running"


def test_gone_processes_hold_nothing():
    """A process that ended between two looks counts as nothing."""
    assert resident_bytes([2**22 + 1]) == proportional_bytes([2**22 + 1]) == 0
