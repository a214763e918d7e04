"""A mistake of the user's is no reason to try again."""

import json

import pytest
from slmrag.dag.failed_jobs import RUN, ended_by_mistake, failures

START = {"kind": "start", "run": "one"}
END = {"kind": "end", "status": "failed", "error": "line 3 has no question", "mistake": True}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([START, END], True),
        ([START | {"run": "before"}, END], False),
        ([START, END | {"mistake": False}], False),
        ([START], False),
        ([], False),
    ],
)
def test_only_this_run_s_mistake_counts(tmp_path, monkeypatch, events, expected):
    """A mistake of an earlier run, a crash and a job without an end are tried again."""
    monkeypatch.setenv(RUN, "one")
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    assert ended_by_mistake(tmp_path) is expected
    assert not ended_by_mistake(tmp_path / "nowhere")


def test_failed_jobs_are_told_with_their_reason(tmp_path, monkeypatch):
    """Of this run's jobs those that failed are told, in one line each, wherever they ran."""
    monkeypatch.setenv(RUN, "one")
    crash = END | {"error": "OSError: no\nmore", "mistake": False}
    jobs = {"a/x": [START, END], "b": [START, crash], "c": [START, END | {"status": "completed"}]}
    for name, events in (jobs | {"d": [START | {"run": "before"}, END]}).items():
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    assert [*failures(tmp_path)] == ["error: a/x: line 3 has no question", "error: b: OSError: no"]
