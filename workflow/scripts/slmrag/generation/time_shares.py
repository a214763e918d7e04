"""An engine's time, divided among the completions that it worked on at the same time.

Each moment is divided by the tokens that each completion in service read or wrote in it: those of
its prompt, without what a cache held, spread evenly over the time to its first token, its new
tokens over the rest. So the parts of all completions of a run add up to its busy time.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from slmrag.generation.journal import Journal

Span = tuple[float, float, float, float, float]


def completion_span(made: Mapping[str, Any]) -> Span | None:
    """Return begin, first token and end (seconds since its run began), tokens read and written.

    None for a completion of a journal that does not say when it was finished, or how many tokens
    it read and wrote: the parts of a run are known only where those of all its completions are.
    """
    end, tokens = made.get("finished"), (made["prompt_tokens"], made["generated_tokens"])
    if end is None or None in tokens:
        return None
    begin, first = end - made["seconds"], made["first_token_seconds"]
    read = made["prompt_tokens"] - (made.get("cached_tokens") or 0)
    first = end if first is None else min(begin + first, end)
    return begin, first, end, max(read, 1), max(made["generated_tokens"], 1)


class Timeline:
    """One engine run's busy time; some 300 bytes a completion while it is made, then 64."""

    def __init__(self, spans: np.ndarray) -> None:
        """Take the spans of all completions of the run, (n, 5), by ``completion_span``."""
        starts, ends, rates = phases(spans)
        moments = np.concatenate([starts, ends])
        order = np.argsort(moments, kind="stable")
        self._moments = moments[order]
        working = np.cumsum(np.repeat([1, -1], len(starts))[order]) > 0
        total = np.cumsum(np.concatenate([rates, -rates])[order])
        passed = np.where(working, np.diff(self._moments, append=self._moments[-1:]), 0)
        a_token = np.cumsum(np.divide(passed, total, out=np.zeros_like(total), where=passed > 0))
        self._seconds_per_token = np.concatenate([[0], a_token])[: len(moments)].astype(float)
        self.busy_seconds = float(passed.sum())

    def seconds(self, spans: np.ndarray) -> np.ndarray:
        """Return each completion's share of the run's time, (n,) seconds, by its span."""
        if not len(self._moments):
            return np.zeros(len(spans))
        starts, ends, rates = phases(spans)
        done = np.interp(ends, self._moments, self._seconds_per_token)
        done -= np.interp(starts, self._moments, self._seconds_per_token)
        return (rates * done).astype(float).reshape(2, -1).sum(axis=0)


def phases(spans: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return start, end and tokens a second of n times of reading, then n times of writing.

    A phase that took no time gives its tokens to the other.
    """
    begin, first, end, read, written = spans.T
    starts, ends = np.stack([begin, first]), np.stack([first, end])
    tokens, lengths = np.stack([read, written]).astype(np.longdouble), ends - starts
    empty = lengths <= 0
    tokens = tokens + np.where(empty[::-1], tokens[::-1], 0)
    rates = np.divide(tokens, lengths, out=np.zeros_like(tokens), where=~empty)
    return starts.ravel(), ends.ravel(), rates.ravel()


class WorkTimes:
    """The share of engine time of each completion of a journal; reads one engine run at a time."""

    def __init__(self, journal: Journal) -> None:
        self._timeline = cache(lambda run: timeline(map(completion_span, journal.completions(run))))

    def seconds(self, made: Sequence[Mapping[str, Any]]) -> list[float | None]:
        """Return each completion's part of its run, None where times or tokens are unknown."""
        found: list[float | None] = [None] * len(made)
        for run in dict.fromkeys(one["engine"] for one in made):
            if (line := self._timeline(run)) is not None:
                places = [place for place, one in enumerate(made) if one["engine"] == run]
                spans = np.array([completion_span(made[place]) for place in places])
                for place, value in zip(places, line.seconds(spans).tolist(), strict=True):
                    found[place] = value
        return found

    def busy_seconds(self, run: str) -> float | None:
        """Return how long a run had a completion in service, None where that is unknown."""
        line = self._timeline(run)
        return None if line is None else round(line.busy_seconds, 6)


def timeline(spans: Iterable[Span | None]) -> Timeline | None:
    """Return the timeline of a run's completions, None where one of them has no span."""
    unknown = (np.nan,) * 5
    known = np.fromiter((one or unknown for one in spans), dtype=np.dtype((float, 5)))
    return None if np.isnan(known).any() else Timeline(known)
