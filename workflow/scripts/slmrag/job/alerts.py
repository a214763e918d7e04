"""Compares a job's numbers with the thresholds of the config."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Facts = Mapping[str, float]
Alert = tuple[str, str]


def limit_facts(
    peaks: Mapping[str, float], seconds: float, resources: Mapping[str, Any]
) -> dict[str, float]:
    """Return the numbers of a job that thresholds can be set for."""
    found = {"run_hours": seconds / 3600}
    if "gpu_memory_percent" in peaks:
        found["gpu_memory_percent"] = peaks["gpu_memory_percent"]
    allocated = resources.get("mem_mb")
    used = peaks.get("pss_bytes") or peaks.get("rss_bytes")
    if isinstance(allocated, int | float) and allocated and used:
        found["host_memory_percent"] = 100 * used / (allocated * 1e6)
    return found


def check_above(threshold: str, unit: str) -> Callable[[float, float], str | None]:
    """Return a check that returns a sentence if a value is above its threshold."""

    def check(value: float, limit: float) -> str | None:
        return f"{threshold} is {value:.4g}{unit}, above {limit:g}{unit}" if value > limit else None

    return check


LIMIT_CHECKS: dict[str, Callable[[float, float], str | None]] = {
    "gpu_memory_percent": check_above("GPU memory", " %"),
    "host_memory_percent": check_above("host memory", " % of the allocation"),
    "run_hours": check_above("run time", " h"),
    "truncated_share": check_above("share of truncated answers", ""),
    "empty_share": check_above("share of empty answers", ""),
}


def answer_shares(results: Mapping[str, Any]) -> dict[str, float]:
    """Return the shares of truncated and empty answers, if a job counts them and its questions."""
    found = {}
    for full, value in results.items():
        name, _, cell = full.partition("/")
        questions = results.get(f"questions/{cell}" if cell else "questions")
        if name in ("truncated", "empty") and isinstance(value, int) and questions:
            found["/".join(filter(None, [f"{name}_share", cell]))] = value / questions
    return found


def machine_alerts(limits: Mapping[str, Any], found: Facts) -> Iterable[Alert]:
    """Yield (name, sentence) for each limit on time or memory that a job exceeds."""
    for name, check in LIMIT_CHECKS.items():
        if limits.get(name) is not None and name in found:
            message = check(found[name], limits[name])
            if message:
                yield name, message


def result_alerts(limits: Mapping[str, Any], results: Mapping[str, Any]) -> Iterable[Alert]:
    """Yield (name, sentence) for each result, named ``name/cell``, beyond its limit."""
    for full, value in {**answer_shares(results), **results}.items():
        name, _, cell = full.partition("/")
        if not isinstance(value, int | float):
            continue
        place = f" in {cell}" if cell else ""
        if name in LIMIT_CHECKS and limits.get(name) is not None:
            message = LIMIT_CHECKS[name](value, limits[name])
            if message:
                yield name, message + place
        expected = lowest_expected(limits.get("expected"), name, cell)
        if expected is not None and value < expected:
            yield f"{name}_low", f"{name} is {value:.4g}, below the expected {expected:g}{place}"


def lowest_expected(expected: Any, name: str, cell: str) -> float | None:
    """Return the lowest expected value of a metric in a cell (``metric/dataset/mode``) or any."""
    if not isinstance(expected, Mapping):
        return None
    return expected.get(f"{name}/{cell}", expected.get(name))
