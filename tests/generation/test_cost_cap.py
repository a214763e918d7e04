"""Nothing is asked of an endpoint that could cost more than the cap."""

import json

import pytest
from slmrag.errors import UserError
from slmrag.generation.cost_cap import Budget
from slmrag.generation.engines.base import Completion, Refusal, Request
from slmrag.generation.prices import cost, estimated_cost, with_currency
from slmrag.job import events

from tests.generation.refusing_endpoint import endpoint
from tests.generation.test_refused_prompts import cells, run

PRICE = {"input_per_million": 1.0, "output_per_million": 10.0, "currency": "USD"}
ANSWER = cost(PRICE, 100, 10)


@pytest.fixture
def tables(tmp_path):
    """Ten questions."""
    return cells(tmp_path, quiz=[f"who is number {i}" for i in range(10)])


def paying(cap: float) -> dict:
    """Return what the job is told of money, beside its hardware."""
    return {"price": PRICE, "max_cost": cap}


def test_what_could_pass_the_cap_is_never_begun(tmp_path, tables, monkeypatch):
    """The sentence has the estimate, its rule, the cap and what to do; nothing was asked."""
    server = endpoint(monkeypatch)
    with pytest.raises(UserError) as error:
        run(tmp_path, tables, paying(0.001))
    said = str(error.value)
    assert "the 10 answers that the journal lacks may cost up to 0.00" in said
    assert "max_cost: 0.0010 USD; raise max_cost, or ask less" in said
    assert "a token for every 3 bytes" in said and "12 of an answer" in said
    assert server.seen == [] and not (tmp_path / "journal").exists()


def test_under_the_cap_all_is_answered(tmp_path, tables, monkeypatch):
    """A cap that suffices changes nothing, and the job tells what it paid."""
    server = endpoint(monkeypatch)
    counts = run(tmp_path, tables, paying(1.0))
    assert counts["generated"] == len(server.seen) == 10
    assert counts["cost"] == pytest.approx(10 * ANSWER)


def test_a_dearer_run_than_estimated_is_held_back(tmp_path, tables, monkeypatch):
    """Where tokens are more than foreseen, the next prompt is not asked; what came is kept."""
    server = endpoint(monkeypatch, tokens=(1000, 10))
    with pytest.raises(
        UserError, match="more than was estimated, and another could exceed max_cost"
    ):
        run(tmp_path, tables, paying(0.0045))
    assert len(server.seen) == 4
    with pytest.raises(UserError, match=r"in addition to 0\.0044 USD for those that it has"):
        run(tmp_path, tables, paying(0.0045))
    assert len(server.seen) == 4
    assert run(tmp_path, tables, paying(1.0))["generated"] == 6


def test_what_is_not_counted_is_taken_as_foreseen():
    """An answer without usage, and a refusal, spend the estimate and not nothing."""
    request = Request("a", "who is it")
    for one in (Completion("a", "x", None, None, "stop", None, 0.1), Refusal("a", "400", "", 0.1)):
        budget = Budget("m", PRICE, 1.0, 0.0, 12)
        assert list(budget.yield_affordable(iter([request]))) == [request]
        budget.record_costs([one])
        assert budget.run_cost() == {"cost": pytest.approx(estimated_cost(PRICE, request.text, 12))}


def test_what_is_under_way_counts(tmp_path):
    """Of requests in flight no more are admitted than could all be paid."""
    may = estimated_cost(PRICE, "who", 12)
    budget = Budget("m", PRICE, 3.5 * may, 0.0, 12)
    asked = budget.yield_affordable(Request(str(i), "who") for i in range(9))
    assert len(list(asked)) == 3
    with pytest.raises(UserError, match="raise max_cost and run again"):
        budget.refuse_if_held_back()


def test_without_a_cap_nothing_is_held_back(tmp_path, tables, monkeypatch):
    """A price alone is told and holds nothing back."""
    endpoint(monkeypatch, tokens=(10**9, 10**9))
    assert run(tmp_path, tables, {"price": PRICE})["cost"] == pytest.approx(110_000)


def test_estimates_are_high_for_ordinary_text():
    """English of 4 bytes a token is foreseen at a third more; UTF-8 counts in bytes."""
    text = "word " * 400
    assert estimated_cost(PRICE, text, 0) > cost(PRICE, 400, 0)
    assert estimated_cost(PRICE, "\u4e2d" * 3, 5) == cost(PRICE, 3 + 16, 5)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0.00 USD"),
        (12.345, "12.35 USD"),
        (0.1, "0.10 USD"),
        (0.00123, "0.0012 USD"),
        (1e-5, "0.000010 USD"),
    ],
)
def test_amounts_say_something(amount, text):
    """Two digits behind the point, or two that are not zero."""
    assert with_currency(amount, PRICE) == text


def served(folder):
    """Return the alerts of a job's events."""
    lines = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == "alert"]


@pytest.fixture
def told(tmp_path):
    """The events of jobs, by a function that reads their alerts."""
    log = events.EventLog(tmp_path / "events.jsonl")
    events.use_log(log)
    yield lambda: served(tmp_path)
    events.use_log(None)
    log.close()


def test_another_model_behind_the_name_is_told(tmp_path, monkeypatch, caplog, told):
    """A run that meets an unknown id or fingerprint warns, and raises an alert; no other does."""
    first, second = cells(tmp_path, quiz=["who"], trivia=["why"])
    endpoint(monkeypatch, served=("m-1",), fingerprints=("fp_a", "fp_b"))
    run(tmp_path, [first])
    endpoint(monkeypatch, served=("m-1",), fingerprints=("fp_b",))
    run(tmp_path, cells(tmp_path, more=["where"]))
    assert told() == []
    endpoint(monkeypatch, served=("m-2",), fingerprints=("fp_c",))
    run(tmp_path, [second])
    names = [alert["message"] for alert in told()]
    assert [alert["name"] for alert in told()] == ["served_model_changed"] * 2
    assert "now answers as model id m-2, and earlier answers of the journal are of m-1" in names[0]
    assert "fingerprint fp_c, and earlier answers of the journal are of fp_a, fp_b" in names[1]
    assert names[0] in caplog.text
