"""What a cell cost in time, tokens and memory, from timings and the engine runs' records."""

from typing import Any

from slmrag.reporting.devices import devices
from slmrag.reporting.sources import Cell

COSTS = (
    "seconds",
    "seconds_p90",
    "first_token_seconds",
    "seconds_per_1000",
    "prompt_tokens",
    "tokens_per_second",
    "energy_per_1000",
    "start_seconds",
    "peak_cpu_bytes",
    "peak_gpu_bytes",
    "parameters",
    "engine",
    "device",
)


def costs(cell: Cell) -> dict[str, Any]:
    """Return each cost of ``COSTS``, None where it is not known.

    Seconds are a completion's service time (median and 90th percentile); seconds per 1,000
    questions, tokens/s, start and peaks are of the engine runs that made the answers.
    """
    return dict.fromkeys(COSTS) | latencies(cell) | runs(cell.engines)


def latencies(cell: Cell) -> dict[str, Any]:
    """Return what a completion of the cell takes."""
    import polars as pl

    found: dict[str, Any] = {}
    if cell.timings is not None:
        times = pl.read_parquet(cell.timings, columns=["seconds", "first_token_seconds"])
        found["seconds"] = times["seconds"].median()
        found["seconds_p90"] = times["seconds"].quantile(0.9, "linear")
        found["first_token_seconds"] = times["first_token_seconds"].median()
    if cell.answers is not None:
        tokens = pl.read_parquet(cell.answers, columns=["prompt_tokens"])["prompt_tokens"]
        found["prompt_tokens"] = tokens.mean()
    return found


def runs(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return rates over all engine runs, and the largest of their peaks."""
    if not records:
        return {}
    seconds = _total(records, "generation_seconds")
    requests = _total(records, "requests")
    energy = _total(records, "energy_joules")
    starts = [sum(filter(None, s.values())) for r in records if (s := r.get("start_seconds"))]
    return {
        "seconds_per_1000": 1000 * seconds / requests if requests else None,
        "tokens_per_second": _total(records, "generated_tokens") / seconds if seconds else None,
        "energy_per_1000": 1000 * energy / requests if energy and requests else None,
        "start_seconds": max(starts, default=None),
        "parameters": weights(records),
        "peak_cpu_bytes": _largest(records, "peak_cpu_bytes"),
        "peak_gpu_bytes": _largest(records, "peak_gpu_bytes"),
        "engine": _named(records, "engine"),
        "device": devices(records),
    }


def weights(records: list[dict[str, Any]]) -> float | None:
    """Return the number of the model's weights, where an engine counted them."""
    counted = [n for record in records if isinstance(n := record.get("parameters"), int)]
    return max(counted, default=None)


def _total(records: list[dict[str, Any]], name: str) -> float:
    return sum(record.get(name) or 0 for record in records)


def _largest(records: list[dict[str, Any]], name: str) -> float | None:
    return max((record[name] for record in records if record.get(name)), default=None)


def _named(records: list[dict[str, Any]], name: str) -> str | None:
    return ", ".join(dict.fromkeys(str(r[name]) for r in records if r.get(name))) or None
