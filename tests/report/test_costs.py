"""Tokens that an endpoint does not count are null in what is told of them, and nothing fails."""

import polars as pl
from slmrag.report.analysis import costs
from slmrag.scoring.summary import _mean_tokens

RECORD = {"generation_seconds": 2.0, "requests": 4, "engine": "openai 1"}


def test_a_mean_over_partly_known_tokens_is_null():
    """One unknown number makes the mean unknown, for new tokens and for those of prompts."""
    assert _mean_tokens(pl.Series([1, None, 3])) is None
    assert _mean_tokens(pl.Series([1, 2, 3])) == 2
    assert costs.aggregate_if_complete(pl.Series([1, None]), "sum") is None
    assert costs.aggregate_if_complete(pl.Series([1, 2]), "mean") == 1.5


def test_a_rate_over_partly_known_tokens_is_null():
    """A run whose tokens are unknown makes the rate over all runs unknown."""
    known, unknown = RECORD | {"generated_tokens": 8}, RECORD | {"generated_tokens": None}
    assert costs.run_costs([known])["run_tokens_per_second"] == 4
    assert costs.run_costs([known, unknown])["run_tokens_per_second"] is None
    assert costs.run_costs([known, unknown])["run_seconds_per_1000"] == 500


def test_a_cell_without_tokens_says_why_it_has_no_cost():
    """The remark names the endpoint that does not count."""
    times = pl.DataFrame({"engine": ["a", "a"], "work_seconds": [1.0, None]})
    remark = costs.costs_of_own_time(times, None, [])["cost_remark"]
    assert "from an endpoint that did not count their tokens" in remark
