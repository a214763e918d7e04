"""The summary of a cell: means with intervals, and counts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.prompts.truncation import is_cut, question_is_cut
from slmrag.scoring.bootstrap import aggregate_if_complete, finite_or_none, intervals
from slmrag.scoring.failure_classes import is_answered
from slmrag.scoring.metric_variants import variant_columns
from slmrag.scoring.qa_metrics import METRICS

if TYPE_CHECKING:
    import polars as pl

AVERAGED_METRICS = (*METRICS, "raw_token_recall")


def summarize_scores(scores: "pl.DataFrame", metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return n, each metric's mean with its interval, and counts of failures.

    ``answered`` is the primary metric's mean over the questions that the endpoint did not refuse.
    """
    means = means_with_intervals(scores.select(averaged_columns(metrics)), metrics)
    return {
        "n": scores.height,
        **means,
        **count_refusals(scores, means, metrics),
        "failures": count_values(scores["failure"]),
        "truncated": int((scores["finish_reason"] == "length").sum()),
        "empty": int((scores["failure"] == "empty").sum()),
        "has_answer": finite_or_none(scores["has_answer"].mean()),
        **prompt_fit(scores),
        "generated_tokens": _mean_tokens(scores.filter(is_answered())["generated_tokens"]),
    }


def _mean_tokens(tokens: "pl.Series") -> float | None:
    """Return the mean number of tokens; None where an endpoint did not report one of them."""
    return finite_or_none(aggregate_if_complete(tokens, "mean"))


def count_refusals(
    scores: "pl.DataFrame", means: Mapping[str, Any], metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the number of refused prompts, and the primary metric without them."""
    primary = metrics.get("primary", "token_recall")
    kept = scores.filter(is_answered())
    left = (
        means
        if kept.height == scores.height
        else means_with_intervals(kept.select(primary), metrics)
    )
    return {"refused": scores.height - kept.height, "answered": left[primary]}


def prompt_fit(scores: "pl.DataFrame") -> dict[str, float | int | None]:
    """Return what the prompts contained, and how many of them were shortened to fit the model.

    ``passages_in_prompt`` is a mean; ``shortened`` counts prompts that lost passages or words,
    ``questions_shortened`` those among them that lost words of the question.
    """
    return {
        "has_answer_uncut": finite_or_none(scores["has_answer_uncut"].mean()),
        "passages_in_prompt": finite_or_none(scores["passages"].mean()),
        "shortened": scores.filter(is_cut()).height,
        "questions_shortened": scores.filter(question_is_cut()).height,
    }


def averaged_columns(metrics: Mapping[str, Any]) -> list[str]:
    """Return the columns whose means are reported: ours, then those of the variants."""
    return [*AVERAGED_METRICS, *variant_columns(metrics.get("variants") or ())]


def means_with_intervals(
    scores: "pl.DataFrame", metrics: Mapping[str, Any]
) -> dict[str, dict[str, float | None]]:
    """Return {mean, low, high} of each column; null where a number is not defined."""
    values = scores.to_numpy()
    seed = metrics.get("seed") or 0
    bounds = intervals(values, metrics["confidence"], metrics["bootstrap"], seed)
    means = values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)
    return {
        name: {
            "mean": finite_or_none(mean),
            "low": finite_or_none(low),
            "high": finite_or_none(high),
        }
        for name, mean, (low, high) in zip(scores.columns, means, bounds, strict=True)
    }


def count_values(column: "pl.Series") -> dict[str, int]:
    """Return how often each value occurs, nulls left out."""
    return dict(sorted(column.drop_nulls().value_counts().iter_rows()))
