"""The memory of a job's process tree over time: resident and proportional set, and its GPUs."""

import contextlib
import os
import threading
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from slmrag.events import EventLog
from slmrag.files import write_json
from slmrag.gpu_memory import Gpus

PAGE = os.sysconf("SC_PAGE_SIZE")
SERIES = 500
SLOWEST = 60.0


def tree(root: int, without: Collection[int] = ()) -> list[int]:
    """Return the process ids below and with ``root``, leaving out ``without`` and what is below."""
    found = [root]
    for process in found:
        found.extend(child for child in children(process) if child not in without)
    return found


def children(process: int) -> list[int]:
    """Return the ids of a process's children (none where it is gone)."""
    tasks = f"/proc/{process}/task"
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/children") as file:
                found.extend(map(int, file.read().split()))
    return found


def resident(processes: Iterable[int]) -> int:
    """Return the summed resident set in bytes (pages shared by two processes count twice)."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError, IndexError), open(f"/proc/{process}/statm") as file:
            total += int(file.read().split()[1]) * PAGE
    return total


def proportional(processes: Iterable[int]) -> int:
    """Return the summed proportional set in bytes (a shared page counts once over its users)."""
    total = 0
    for process in processes:
        with (
            contextlib.suppress(OSError),
            open(f"/proc/{process}/smaps_rollup") as file,
        ):
            total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    return total


def high_water() -> int:
    """Return this process's largest resident set in bytes, spikes between samples included."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


class Sampler(threading.Thread):
    """A daemon thread that samples a job's memory and keeps peaks, by component too."""

    def __init__(
        self, log: EventLog, path: Path, interval: float = 1.0, pss: float = 5.0, report: float = 10
    ):
        """Sample every ``interval`` seconds, PSS every ``pss``; report peaks every ``report``.

        ``path`` is rewritten at each report, so that it outlives a job that is killed.
        """
        super().__init__(daemon=True, name="memory")
        self.log, self.path = log, path
        log.sample = self.sample
        self.interval, self.pss, self.report = interval, pss, report
        self.without: set[int] = set()
        self.gpus = Gpus()
        self.peaks: dict[str, float] = {}
        self.components: dict[str, dict[str, float]] = {}
        self.series: list[dict[str, float]] = []
        self.samples = 0
        self.started = time.monotonic()
        self._over = threading.Event()
        self._due = {"pss": 0.0, "report": 0.0}
        self._window: dict[str, float] = {}

    def run(self) -> None:
        """Sample until stopped; a failed sample is left out, never raised."""
        while True:
            with contextlib.suppress(Exception):
                self.sample()
            if self._over.wait(self.interval):
                return

    def stop(self) -> None:
        """Take a last sample and end the thread."""
        self._over.set()
        if self.is_alive():
            self.join(timeout=5)
        with contextlib.suppress(Exception):
            self.sample()

    def sample(self) -> None:
        """Measure once and raise the peaks."""
        elapsed = time.monotonic() - self.started
        values = self.measure(elapsed)
        self.samples += 1
        raise_peaks(self.peaks, values)
        raise_peaks(self._window, values)
        for name in list(self.log.components):
            raise_peaks(self.components.setdefault(name, {}), values)
        if elapsed >= self._due["report"]:
            self.flush(elapsed)

    def measure(self, elapsed: float) -> dict[str, float]:
        """Return bytes by kind of memory."""
        processes = tree(os.getpid(), self.without)
        values: dict[str, float] = {"rss_bytes": resident(processes)}
        if elapsed >= self._due["pss"]:
            values["pss_bytes"] = proportional(processes)
            self._due["pss"] = elapsed + self.pss
        return values | self.gpus.measure(processes)

    def flush(self, elapsed: float) -> None:
        """Report the peaks since the last report, and keep the series short."""
        self._due["report"] = elapsed + self.report
        point = {"seconds": round(elapsed, 2), **self._window}
        self._window = {}
        self.series.append(point)
        self.log.write("memory", **point, components=list(self.log.components))
        if len(self.series) > SERIES:
            self.series = self.series[::2]
            self.report = min(2 * self.report, SLOWEST)
        self.write("running")

    def write(self, status: str) -> None:
        """Write what is known so far."""
        write_json(self.summary() | {"status": status}, self.path)

    @property
    def seconds(self) -> float:
        """Seconds since the sampler was made."""
        return time.monotonic() - self.started

    def summary(self) -> dict[str, Any]:
        """Return peaks, peaks by component, the thinned series and how it was measured."""
        return {
            "seconds": round(time.monotonic() - self.started, 3),
            "interval_seconds": self.interval,
            "samples": self.samples,
            "peak": self.peaks,
            "components": self.components,
            "series": self.series,
            "gpu": self.gpus.describe(),
        }

    def finish(self, status: str) -> None:
        """Stop, and write the whole."""
        self.stop()
        with contextlib.suppress(Exception):
            self.peaks["own_peak_rss_bytes"] = high_water()
        with contextlib.suppress(Exception):
            self.flush(time.monotonic() - self.started)
        self.write(status)


def raise_peaks(peaks: dict[str, float], values: dict[str, float]) -> None:
    """Keep the larger of each value."""
    for name, value in values.items():
        peaks[name] = max(peaks.get(name, value), value)
