"""What sampling costs and sees: ``python bench/tracking/sampling_cost.py``."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from slmrag.job.events import EventLog  # noqa: E402
from slmrag.job.memory import Sampler  # noqa: E402
from slmrag.job.processes import process_tree  # noqa: E402

CHILDREN = 50
SECONDS = 30.0
HELD = 200_000_000
HOLD = f"import time; block = bytearray(b'x') * {HELD}; time.sleep(2)"
OUTER = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


class Timed(Sampler):
    """A sampler that knows its own CPU time."""

    cpu = 0.0

    def run(self) -> None:
        """Sample, and note the thread's CPU time."""
        super().run()
        self.cpu = time.thread_time()


def cost(folder: Path) -> float:
    """Return the share of a core, in percent, that sampling a tree of 51 processes takes."""
    sleepers = [
        subprocess.Popen([sys.executable, "-c", "import json; input()"], stdin=subprocess.PIPE)
        for _ in range(CHILDREN)
    ]
    time.sleep(3)
    assert len(process_tree(os.getpid())) == CHILDREN + 1
    sampler = Timed(EventLog(folder / "events.jsonl"), folder / "memory_usage.json")
    sampler.start()
    time.sleep(SECONDS)
    sampler.finish("completed")
    for sleeper in sleepers:
        sleeper.kill()
        sleeper.wait()
    return 100 * sampler.cpu / sampler.seconds


def psutil_cost() -> float | None:
    """Return the same share for a sample of RSS by psutil once a second."""
    try:
        import psutil
    except ImportError:
        return None
    sleepers = [subprocess.Popen(["sleep", "60"]) for _ in range(CHILDREN)]
    begun, rounds, me = time.thread_time(), 20, psutil.Process()
    for _ in range(rounds):
        sum(child.memory_info().rss for child in me.children(recursive=True))
    for sleeper in sleepers:
        sleeper.kill()
        sleeper.wait()
    return 100 * (time.thread_time() - begun) / rounds


def seen(folder: Path) -> float:
    """Return what share of a grandchild's 200 MB, held for 2 s, the peak has above the rest."""
    sampler = Sampler(EventLog(folder / "seen.jsonl"), folder / "seen.json", pss=1.0)
    sampler.start()
    time.sleep(1.5)
    subprocess.run([sys.executable, "-c", OUTER, "import time; time.sleep(2)"])
    idle = sampler.peaks["rss_bytes"]
    subprocess.run([sys.executable, "-c", OUTER, HOLD])
    sampler.finish("completed")
    return (sampler.peaks["rss_bytes"] - idle) / HELD


def main() -> None:
    """Print the sampler's cost, psutil's for the same, and what was seen of 200 MB."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"sampling {CHILDREN} children: {cost(Path(folder)):.2f} % of one core")
        other = psutil_cost()
        if other is not None:
            print(f"psutil, RSS alone, once a second: {other:.2f} %")
        print(f"200 MB in a grandchild for 2 s: {100 * seen(Path(folder)):.1f} % seen")
    assert threading.active_count() == 1


if __name__ == "__main__":
    main()
