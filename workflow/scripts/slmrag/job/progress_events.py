"""When a job writes points of its progress: every 10 s, less often the longer it runs."""

import time
from collections import deque
from weakref import WeakKeyDictionary

from slmrag.job.events import EventLog, current_log

INTERVAL_SECONDS = 10.0
SHARE_OF_RUN = 1 / 50
"""Smallest pause between points as a share of the job's time: 340 points in two days."""
MAX_ENDS = 150
"""Points of a job after which the end of a bar is one only if it is due."""

clock = time.monotonic


class Rhythm:
    """The points that a job has written, and how far apart the next ones are."""

    def __init__(self) -> None:
        """Begin with the job's first series."""
        self._began = clock()
        self._points = 0
        self._written: dict[str, float] = {}

    def interval(self, now: float) -> float:
        """Return the seconds between two points of a series."""
        return max(INTERVAL_SECONDS, (now - self._began) * SHARE_OF_RUN)

    def may_end(self, name: str, now: float) -> bool:
        """Return whether the end of a series is a point although none is due."""
        last = self._written.get(name, self._began)
        return self._points < MAX_ENDS or now - last >= self.interval(now)

    def count(self, name: str, now: float) -> None:
        """Note that a point was written."""
        self._points += 1
        self._written[name] = now


_rhythms: WeakKeyDictionary[EventLog, Rhythm] = WeakKeyDictionary()


def rhythm_of_job() -> Rhythm | None:
    """Return the rhythm of this process's job; None outside of a job and in its forked children."""
    log = current_log()
    if log and log not in _rhythms:
        _rhythms[log] = Rhythm()
    return _rhythms[log] if log else None


class Pace:
    """One series of a job: when its next point is due, and how fast it advanced."""

    def __init__(self, name: str) -> None:
        """Begin at nothing done."""
        self.name, self._began, self._points = name, clock(), 0
        self._marks = deque([(self._began, 0.0)], maxlen=2)
        rhythm_of_job()

    def rate(self, done: float, last: bool = False) -> float | None:
        """Return what was done per second since the last point if one is to be written now.

        It is over 10 s or more: at the end, since the point before the last one if need be. The end
        is no point of its own if nothing was done since the last one.
        """
        now = clock()
        if not last and now - self._marks[-1][0] < INTERVAL_SECONDS:
            return None  # most calls end here: a bar may be updated for each question
        rhythm = rhythm_of_job()
        if rhythm is None or not self._is_due(rhythm, now, done, last):
            return None
        then, before = self._marks[-1 if now - self._marks[-1][0] >= INTERVAL_SECONDS else 0]
        self._marks.append((now, done))
        self._points += 1
        rhythm.count(self.name, now)
        return round((done - before) / (now - then), 3)

    def _is_due(self, rhythm: Rhythm, now: float, done: float, last: bool) -> bool:
        then, before = self._marks[-1]
        if last:
            is_known = self._points > 0 and done == before
            was_seen = self._points > 0 or now - self._began >= INTERVAL_SECONDS
            return was_seen and not is_known and rhythm.may_end(self.name, now)
        return now - then >= rhythm.interval(now)
