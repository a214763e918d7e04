"""A cell in a few numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.prompts.shown import is_cut, question_is_cut
from slmrag.scoring.bootstrap import intervals, number, whole
from slmrag.scoring.failure_classes import is_answered
from slmrag.scoring.metric_variants import columns
from slmrag.scoring.qa_metrics import METRICS

if TYPE_CHECKING:
    import polars as pl

AVERAGED = (*METRICS, "raw_token_recall")


def summarize(scores: "pl.DataFrame", metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return n, each metric's mean with its interval, and counts of what went wrong.

    ``answered`` is the primary metric's mean over the questions that the endpoint did not refuse.
    """
    means = averages(scores.select(averaged(metrics)), metrics)
    return {
        "n": scores.height,
        **means,
        **refusals(scores, means, metrics),
        "failures": counts(scores["failure"]),
        "truncated": int((scores["finish_reason"] == "length").sum()),
        "empty": int((scores["failure"] == "empty").sum()),
        "has_answer": number(scores["has_answer"].mean()),
        **fitting(scores),
        "generated_tokens": _mean(scores.filter(is_answered())["generated_tokens"]),
    }


def _mean(tokens: "pl.Series") -> float | None:
    """Return a mean, null where an endpoint did not say one of the numbers."""
    return number(whole(tokens, "mean"))


def refusals(
    scores: "pl.DataFrame", means: Mapping[str, Any], metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """Return how many prompts were refused, and the primary metric without them."""
    primary = metrics.get("primary", "token_recall")
    kept = scores.filter(is_answered())
    left = means if kept.height == scores.height else averages(kept.select(primary), metrics)
    return {"refused": scores.height - kept.height, "answered": left[primary]}


def fitting(scores: "pl.DataFrame") -> dict[str, float | int | None]:
    """Return what stood in the prompts, and how many of them were cut to fit the model.

    ``passages_in_prompt`` is a mean; ``shortened`` counts prompts that lost passages or words,
    ``questions_shortened`` those among them that lost words of the question.
    """
    return {
        "has_answer_uncut": number(scores["has_answer_uncut"].mean()),
        "passages_in_prompt": number(scores["passages"].mean()),
        "shortened": scores.filter(is_cut()).height,
        "questions_shortened": scores.filter(question_is_cut()).height,
    }


def averaged(metrics: Mapping[str, Any]) -> list[str]:
    """Return the columns whose means are reported: ours, then those of the variants."""
    return [*AVERAGED, *columns(metrics.get("variants") or ())]


def averages(
    scores: "pl.DataFrame", metrics: Mapping[str, Any]
) -> dict[str, dict[str, float | None]]:
    """Return {mean, low, high} of each column; null where a number is not defined."""
    values = scores.to_numpy()
    seed = metrics.get("seed") or 0
    bounds = intervals(values, metrics["confidence"], metrics["bootstrap"], seed)
    means = values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)
    return {
        name: {"mean": number(mean), "low": number(low), "high": number(high)}
        for name, mean, (low, high) in zip(scores.columns, means, bounds, strict=True)
    }


def counts(column: "pl.Series") -> dict[str, int]:
    """Return how often each value occurs, nulls left out."""
    return dict(sorted(column.drop_nulls().value_counts().iter_rows()))
