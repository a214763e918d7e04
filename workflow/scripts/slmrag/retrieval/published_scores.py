"""Compares our retrieval scores with scores that others published for the same conditions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slmrag.retrieval import lucene

ROUNDING_TOLERANCE = 0.005 + 1e-9
"""Published scores are percentages of two decimals."""
DEPTH_ADVICE = "raise the retriever's depth"


def verdicts(
    published: Sequence[Mapping[str, Any]], measured: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a row for each published score: run, metric, published, measured, verdict.

    ``measured`` maps runs to their metrics' files; a verdict is ok, differs, or why not compared.
    """
    return [row for entry in published for row in _compare_entry(entry, measured.get(entry["run"]))]


def _compare_entry(
    entry: Mapping[str, Any], found: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    reason = _reason_not_comparable(entry["conditions"], found)
    for metric, score in entry["scores"].items():
        mine = {} if reason or found is None else found["metrics"].get(metric, {})
        mean = mine.get("mean")
        percent = None if mean is None else 100 * mean
        verdict = reason or _verdict(score, percent, mine.get("reason"))
        names = {"run": entry["run"], "metric": metric, "source": entry["source"]}
        yield {**names, "published": score, "measured": percent, "verdict": verdict}


def _verdict(score: float, percent: float | None, reason: str | None) -> str:
    if percent is None:
        return f"not measured: {reason or DEPTH_ADVICE}"
    return "ok" if abs(percent - score) <= ROUNDING_TOLERANCE else "differs"


def _reason_not_comparable(conditions: Mapping[str, Any], found: Mapping[str, Any] | None) -> str:
    """Return why a run cannot be compared with a score; empty where it can."""
    if found is None:
        return "not run"
    has = {**lucene.DEFAULTS, **found["retriever"], **found}
    other = [
        f"{key} is {has.get(key)}" for key, value in conditions.items() if has.get(key) != value
    ]
    return f"not comparable: {', '.join(other)}" if other else ""
