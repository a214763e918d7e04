"""Samples the memory of a job's process tree: resident set, proportional set and GPUs."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmrag.files import write_json
from slmrag.job.events import EventLog
from slmrag.job.gpu_memory import Gpus
from slmrag.job.processes import (
    peak_resident_bytes,
    process_tree,
    proportional_bytes,
    resident_bytes,
)

MAX_SERIES_POINTS = 500
MAX_REPORT_SECONDS = 60.0
WRITE_AT_RISE = 1.05
"""A peak higher by this factor is written at once: the kernel may kill the job next."""


class Sampler(threading.Thread):
    """A daemon thread that samples a job's memory and keeps peaks, by component too."""

    def __init__(
        self, log: EventLog, path: Path, interval: float = 1.0, pss: float = 5.0, report: float = 10
    ):
        """Sample every ``interval`` seconds, PSS every ``pss``; report peaks every ``report``.

        ``path`` is rewritten at each report and rise, so that a killed job leaves its last peaks.
        """
        super().__init__(daemon=True, name="memory")
        self.log, self.path = log, path
        log.sample = self.sample
        self.interval, self.pss, self.report = interval, pss, report
        self.without: set[int] = set()
        self.gpus = Gpus()
        self.about: dict[str, Any] = {}
        self.watch: Callable[[], None] = lambda: None
        self.peaks: dict[str, float] = {}
        log.peaks = self.peaks
        self.components: dict[str, dict[str, float]] = {}
        self.series: list[dict[str, float]] = []
        self.samples = 0
        self.started = time.monotonic()
        self._over = threading.Event()
        self._due = {"pss": 0.0, "report": 0.0}
        self._window: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self._pss_at = 0.0
        self._lock = threading.RLock()

    def start(self) -> None:
        """Take a first sample at once, then start the thread."""
        with contextlib.suppress(Exception):
            self.sample()
        super().start()

    def run(self) -> None:
        """Sample until stopped; a failed sample is skipped."""
        while not self._over.wait(self.interval):
            with contextlib.suppress(Exception):
                self.sample()

    def stop(self) -> None:
        """Take a last sample and end the thread."""
        self._over.set()
        if self.is_alive():
            self.join(timeout=5)
        with contextlib.suppress(Exception):
            self._due["pss"] = 0.0
            self.sample()

    def sample(self) -> None:
        """Measure once and raise the peaks."""
        with self._lock:
            elapsed = self.seconds
            values = self.measure(elapsed)
            self.samples += 1
            raise_peaks(self.peaks, values)
            raise_peaks(self._window, values)
            for name in list(self.log.components):
                raise_peaks(self.components.setdefault(name, {}), values)
            if elapsed >= self._due["report"]:
                self.flush(elapsed)
            elif has_risen(self.peaks, self._written):
                self.write("running")
        self.watch()

    def measure(self, elapsed: float) -> dict[str, float]:
        """Return bytes by kind of memory; PSS, which is slow, only when due or if RSS has risen."""
        processes = process_tree(os.getpid(), self.without)
        values: dict[str, float] = {"rss_bytes": resident_bytes(processes)}
        if elapsed >= self._due["pss"] or values["rss_bytes"] > WRITE_AT_RISE * self._pss_at:
            values["pss_bytes"] = proportional_bytes(processes)
            self._due["pss"] = elapsed + self.pss
            self._pss_at = values["rss_bytes"]
        return values | self.gpus.measure(processes)

    def flush(self, elapsed: float) -> None:
        """Report the peaks since the last report, and keep the series short."""
        self._due["report"] = elapsed + self.report
        point = {"seconds": round(elapsed, 2), **self._window}
        self._window = {}
        self.series.append(point)
        self.log.write("memory", **point, components=list(self.log.components))
        if len(self.series) > MAX_SERIES_POINTS:
            self.series = self.series[::2]
            self.report = min(2 * self.report, MAX_REPORT_SECONDS)
        self.write("running")

    def write(self, status: str) -> None:
        """Write the record so far."""
        self._written = dict(self.peaks)
        write_json(self.summary() | {"status": status}, self.path)

    @property
    def seconds(self) -> float:
        """Seconds since the sampler was made."""
        return time.monotonic() - self.started

    def summary(self) -> dict[str, Any]:
        """Return peaks, peaks by component, the thinned series and the method."""
        return {
            **self.about,
            "seconds": round(self.seconds, 3),
            "interval_seconds": self.interval,
            "samples": self.samples,
            "peak": self.peaks,
            "components": self.components,
            "series": self.series,
            "gpu": self.gpus.describe(),
        }

    def finish(self, status: str) -> None:
        """Stop, and write the whole record."""
        self.stop()
        with contextlib.suppress(Exception):
            self.peaks["own_peak_rss_bytes"] = peak_resident_bytes(os.getpid())
        with contextlib.suppress(Exception):
            self.flush(self.seconds)
        with self._lock:
            self.write(status)


def raise_peaks(peaks: dict[str, float], values: dict[str, float]) -> None:
    """Keep the larger of each value."""
    for name, value in values.items():
        peaks[name] = max(peaks.get(name, value), value)


def has_risen(peaks: dict[str, float], written: dict[str, float]) -> bool:
    """Return whether a peak of bytes is clearly above the one on disk."""
    return any(
        value > WRITE_AT_RISE * written.get(name, 0.0)
        for name, value in peaks.items()
        if name.endswith("_bytes")
    )
