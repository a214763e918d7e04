"""A mistake of the user's is no reason to try again."""

import json
from pathlib import Path

import pytest
from slmrag.job.failed_jobs import (
    DETERMINISTIC_RULES,
    RUN_ID_VARIABLE,
    failure_lines,
    repeated_failure,
)

ROOT = Path(__file__).parents[2]
START = {"kind": "start", "run": "one"}
END = {"kind": "end", "status": "failed", "error": "line 3 has no question", "mistake": True}


WHY = END["error"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([START, END], WHY),
        ([START | {"run": "before"}, END], None),
        ([START, END | {"mistake": False}], None),
        ([START], None),
        ([], None),
    ],
)
def test_only_this_run_s_mistake_counts(tmp_path, monkeypatch, events, expected):
    """A mistake of an earlier run, a crash and a job without an end are tried again."""
    monkeypatch.setenv(RUN_ID_VARIABLE, "one")
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    assert repeated_failure("prepare_corpus", tmp_path) == expected
    assert repeated_failure("prepare_corpus", tmp_path / "nowhere") is None
    assert repeated_failure("generate_answers", tmp_path) is None


def test_without_a_run_s_name_no_mistake_is_known(tmp_path, monkeypatch):
    """As a module without our hooks no run has a name: what is mended must not fail unread."""
    monkeypatch.delenv(RUN_ID_VARIABLE, raising=False)
    events = [START | {"run": None}, END]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    assert repeated_failure("prepare_corpus", tmp_path) is None


def test_determined_rules_are_rules():
    """Each name is a rule's: one that was renamed would be tried again without a word."""
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert {name for name in DETERMINISTIC_RULES if f"rule {name}:" in rules} == DETERMINISTIC_RULES


def test_failed_jobs_are_told_with_their_reason(tmp_path, monkeypatch):
    """Of this run's jobs those that failed are told, in one line each, wherever they ran."""
    monkeypatch.setenv(RUN_ID_VARIABLE, "one")
    crash = END | {"error": "OSError: no\nmore", "mistake": False}
    jobs = {"a/x": [START, END], "b": [START, crash], "c": [START, END | {"status": "completed"}]}
    for name, events in (jobs | {"d": [START | {"run": "before"}, END]}).items():
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    assert [*failure_lines(tmp_path)] == [
        "error: a/x: line 3 has no question",
        "error: b: OSError: no",
    ]
