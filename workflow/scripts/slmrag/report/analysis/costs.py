"""The costs of a cell in time, tokens, memory and money, from timings and engine records."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.generation.prices import PAID_TOKENS, cost
from slmrag.report.analysis.engine_records import device_names, is_endpoint, recorded_values
from slmrag.report.analysis.experiment import Cell
from slmrag.scoring.bootstrap import aggregate_if_complete
from slmrag.scoring.failure_classes import is_answered

if TYPE_CHECKING:
    import polars as pl

Records = list[dict[str, Any]]

UNTIMED_REMARK = (
    "{} of {} answers come from engine runs that recorded no service times, or from an endpoint "
    "that did not count their tokens"
)
NO_PRICE_REMARK = "no price is set for the endpoint, so the cost in money is not known"
UNCOUNTED_REMARK = (
    "the endpoint did not count the tokens of {} of {} answers: cost in money not known"
)
REFUSED_REMARK = "the cost does not include the {} refused prompts: no tokens were counted"

COST_COLUMNS = (
    "seconds_per_1000",
    "tokens_per_second",
    "prompt_tokens",
    "energy_per_1000",
    "cost",
    "cost_currency",
    "cost_remark",
    "service_seconds",
    "service_seconds_p90",
    "first_token_seconds",
    "run_seconds_per_1000",
    "run_tokens_per_second",
    "start_seconds",
    "peak_cpu_bytes",
    "peak_gpu_bytes",
    "parameters",
    "engine",
    "device",
)


def cell_costs(cell: Cell, price: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return each cost of ``COST_COLUMNS``, None where it is not known.

    Seconds and energy per 1,000 questions and tokens/s are of the cell's own part of its engine
    runs (see slmrag.generation.time_shares), ``cost`` is in ``cost_currency`` by the model's
    price; ``cost_remark`` says why there is none. Service seconds are of a completion in a full
    batch: median and 90th percentile, and the median to its first token. Columns named run, start
    and peak are of whole engine runs.
    """
    found: dict[str, Any] = dict.fromkeys(COST_COLUMNS) | run_costs(cell.engines)
    tokens = read_columns(cell.answers, *PAID_TOKENS, "finish_reason")
    times = read_columns(cell.timings, "engine", "work_seconds", "seconds", "first_token_seconds")
    written: float | None = None
    remarks: list[str] = []
    if tokens is not None:
        made = tokens.filter(is_answered())
        found["prompt_tokens"] = aggregate_if_complete(made["prompt_tokens"], "mean")
        written = aggregate_if_complete(made["generated_tokens"], "sum")
        spent, remarks = money_cost(tokens, cell.engines, price)
        found |= spent
    if times is not None:
        found |= costs_of_own_time(times, written, cell.engines) | service_times(times)
    found["cost_remark"] = "; ".join(filter(None, (found["cost_remark"], *remarks))) or None
    return found


def read_columns(path: Path | None, *columns: str) -> "pl.DataFrame | None":
    """Return some columns of a table, None where there is none."""
    import polars as pl

    return None if path is None else pl.read_parquet(path, columns=list(columns))


def costs_of_own_time(
    times: "pl.DataFrame", written: float | None, records: Records
) -> dict[str, Any]:
    """Return the costs of a cell's share of its engine runs; ``written`` are its new tokens."""
    unknown = times["work_seconds"].null_count()
    if unknown:
        return {"cost_remark": UNTIMED_REMARK.format(unknown, times.height)}
    seconds, questions = float(times["work_seconds"].sum()), times.height
    energy = energy_of_own_time(records, times)
    return {
        "seconds_per_1000": 1000 * seconds / questions if questions else None,
        "tokens_per_second": written / seconds if written is not None and seconds else None,
        "energy_per_1000": 1000 * energy / questions if energy is not None else None,
    }


def energy_of_own_time(records: Records, times: "pl.DataFrame") -> float | None:
    """Return the energy of a cell's share of its engine runs, None where one did not count it."""
    powers: dict[str, float] = {
        record["id"]: record["energy_joules"] / record["busy_seconds"]
        for record in records
        if record.get("energy_joules") and record.get("busy_seconds")
    }
    parts = times.partition_by("engine", as_dict=True).items()
    if not parts or any(run not in powers for (run,), _ in parts):
        return None
    return sum(powers[run] * float(own["work_seconds"].sum()) for (run,), own in parts)


def service_times(times: "pl.DataFrame") -> dict[str, Any]:
    """Return how long a completion of the cell was in service."""
    return {
        "service_seconds": times["seconds"].median(),
        "service_seconds_p90": times["seconds"].quantile(0.9, "linear"),
        "first_token_seconds": times["first_token_seconds"].median(),
    }


def run_costs(records: Records) -> dict[str, Any]:
    """Return rates over all engine runs, and the largest of their peaks."""
    if not records:
        return {}
    seconds = _total(records, "generation_seconds")
    requests = _total(records, "requests")
    starts = [sum(filter(None, s.values())) for r in records if (s := r.get("start_seconds"))]
    return {
        "run_seconds_per_1000": 1000 * seconds / requests if requests else None,
        "run_tokens_per_second": _rate(records, seconds),
        "start_seconds": max(starts, default=None),
        "parameters": parameter_count(records),
        "peak_cpu_bytes": _largest(records, "peak_cpu_bytes"),
        "peak_gpu_bytes": _largest(records, "peak_gpu_bytes"),
        "engine": recorded_values(records, "engine"),
        "device": device_names(records),
    }


def _rate(records: Records, seconds: float) -> float | None:
    """Return new tokens a second, None where a run's endpoint did not count them."""
    unknown = any(record.get("generated_tokens", 0) is None for record in records)
    return None if unknown or not seconds else _total(records, "generated_tokens") / seconds


def parameter_count(records: Records) -> float | None:
    """Return the number of the model's weights, where an engine counted them."""
    counted = [n for record in records if isinstance(n := record.get("parameters"), int)]
    return max(counted, default=None)


def _total(records: Records, name: str) -> float:
    return sum(record.get(name) or 0 for record in records)


def _largest(records: Records, name: str) -> float | None:
    return max((record[name] for record in records if record.get(name)), default=None)


def money_cost(
    answers: "pl.DataFrame", records: Records, price: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[str]]:
    """Return ``cost`` and ``cost_currency`` of answers with tokens and finish_reason, and remarks.

    A local model costs no money and gets no remark.
    """
    if not price:
        remote = any(map(is_endpoint, records))
        return {}, [NO_PRICE_REMARK] * remote
    made = answers.filter(is_answered())
    if lacking := count_uncounted(made):
        return {}, [UNCOUNTED_REMARK.format(lacking, made.height)]
    refused = answers.height - made.height
    spent = cost(price, *(float(made[name].sum()) for name in PAID_TOKENS))
    found = {"cost": spent, "cost_currency": price["currency"]}
    return found, [REFUSED_REMARK.format(refused)] * bool(refused)


def count_uncounted(answers: "pl.DataFrame") -> int:
    """Return the number of answers with uncounted tokens."""
    import polars as pl

    return answers.filter(pl.any_horizontal(pl.col(PAID_TOKENS).is_null())).height
