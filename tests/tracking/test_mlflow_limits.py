"""What MLflow takes, by its own checks: names, lengths, batches, tables and inputs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.tracking.mlflow import limits
from slmrag.tracking.mlflow.actions import TABLES_TAG, table, tables_tag
from slmrag.tracking.mlflow.inputs import datasets_of_events
from slmrag.tracking.mlflow.metrics import metrics_of_event
from slmrag.tracking.mlflow.tags import NOTE_TAG, tags_of_event, tags_of_start

validation = pytest.importorskip("mlflow.utils.validation", reason="mlflow-skinny is missing")
names = st.one_of(st.text(max_size=12), st.text("ab/. -@é", max_size=600))
START = {
    "time": 100.0,
    "id": "attempt-1",
    "rule": "score_answers",
    "wildcards": {"model": "tiny"},
    "experiment": "e",
}


@given(names)
def test_mlflow_takes_every_name(name):
    """MLflow's own checks pass a name of ours as metric, param and tag; it stays as it is."""
    allowed = limits.allowed_name(name)
    validation._validate_metric_name(allowed)
    validation._validate_param(allowed, "x")
    validation._validate_tag(allowed, "x")
    assert limits.allowed_name(allowed) == allowed


@given(st.dictionaries(names, st.integers(), max_size=8))
def test_no_param_replaces_another(pairs):
    """Different names stay different, although MLflow takes neither as it is."""
    found = limits.distinct_names(pairs.items())
    assert sorted(found.values()) == sorted(pairs.values())
    for name in found:
        validation._validate_param(name, "x")


def test_long_names_of_one_beginning_stay_apart():
    """A name that is cut ends in a digest of the whole."""
    one, other = (limits.allowed_name("x" * 400 + end) for end in "ab")
    assert one != other and len(one) == len(other) == validation.MAX_ENTITY_KEY_LENGTH


@given(st.text(max_size=300), st.integers(60, 100))
def test_a_shortened_text_says_its_length(text, longest):
    """A text that fits is itself; of another the begin or the end is kept, and its length said."""
    for short, kept in (
        (limits.shorten(text, longest), lambda t, n: t[:n]),
        (limits.shorten_start(text, longest), lambda t, n: t[-n:]),
    ):
        assert len(short) <= longest
        if len(text) <= longest:
            assert short == text
        else:
            assert len(short) == longest and f"cut, {len(text)} characters]" in short
            assert kept(short, 20) == kept(text, 20)


@given(st.lists(st.integers(0, 400_000), max_size=20), st.integers(1, 7))
def test_each_batch_fits_into_a_request(sizes, count):
    """All items come once and in order, few enough and small enough, or alone."""
    made = list(limits.batches(sizes, count, lambda size: "ü" * (size // 6)))
    assert [item for batch in made for item in batch] == sizes
    for batch in made:
        assert 1 <= len(batch) <= count
        assert len(batch) == 1 or sum(batch) < limits.MAX_BATCH_BYTES


def test_the_limits_are_mlflows():
    """No limit of ours is above the client's own."""
    assert limits.MAX_PARAM_CHARACTERS <= validation.MAX_PARAM_VAL_LENGTH
    assert limits.MAX_TAG_CHARACTERS <= validation.MAX_TAG_VAL_LENGTH
    assert limits.MAX_NAME_CHARACTERS <= validation.MAX_ENTITY_KEY_LENGTH
    assert limits.MAX_BATCH_BYTES < validation.MAX_BATCH_LOG_REQUEST_SIZE
    assert limits.METRICS_PER_BATCH + limits.TAGS_PER_BATCH <= validation.MAX_ENTITIES_PER_BATCH
    assert limits.MAX_DATASET_DIGEST_CHARACTERS <= validation.MAX_DATASET_DIGEST_SIZE
    assert limits.MAX_DATASET_NAME_CHARACTERS <= validation.MAX_DATASET_NAME_SIZE


def points(event):
    """Return an event's points by name."""
    return {p.key: (p.value, p.step) for p in metrics_of_event(START, {"time": 107.5, **event})}


def test_percentages_are_not_beside_bytes():
    """Memory is in GB under its component, the GPUs' use in percent under a title of its own."""
    event = {"kind": "memory", "rss_bytes": 2e9, "gpu_percent": 80, "components": ["model"]}
    assert points(event) == {
        "memory GB/job/CPU": (2.0, 7),
        "memory GB/model/CPU": (2.0, 7),
        "GPU use percent/busy": (80.0, 7),
    }


def test_progress_is_a_series():
    """A bar has what is done, its share and its rate, by the seconds since the start."""
    event = {"kind": "progress", "name": "answers", "done": 5, "total": 20, "per_second": 2.5}
    assert points(event) == {
        "progress/answers": (5.0, 7),
        "progress percent/answers": (25.0, 7),
        "per second/answers": (2.5, 7),
    }


def test_a_note_is_the_description_and_a_failure_has_its_last_lines():
    """The tags are those that MLflow's UI shows; of long texts the end counts."""
    assert dict(tags_of_event(START, {"kind": "note", "text": "# Best"})) == {NOTE_TAG: "# Best"}
    event = {"kind": "end", "error": "x" * 9000 + " last", "log_tail": ["one", "two"]}
    found = dict(tags_of_event(START, event))
    assert found["log_tail"] == "one\ntwo" and found["error"].endswith("x last")
    assert found["error"].startswith("[cut, 9005 characters]")


def test_the_source_is_the_workflow_and_its_rule():
    """What is known of the code has MLflow's own tags; what is not known has none."""
    code = {"commit": "abc", "dirty": True, "repository": "https://x/y", "branch": "main"}
    found = tags_of_start(START | {"code": code, "user": "ann"}, "parent")
    assert found["mlflow.source.name"] == found["mlflow.source.git.repoURL"] == "https://x/y"
    assert found["mlflow.project.entryPoint"] == "score_answers"
    assert found["mlflow.source.git.dirty"] == "true" and found["mlflow.user"] == "ann"
    bare = tags_of_start(START, None)
    assert bare["mlflow.source.name"] == "Snakefile"
    unknown = ("mlflow.user", "mlflow.parentRunId", "mlflow.source.git.dirty")
    assert not any(name in bare or bare.get(name) == "None" for name in unknown)


def test_a_table_has_mlflows_form():
    """Rows become columns and data, with null where a row has no value; each is listed once."""
    sent = []

    class Tracker:
        class client:
            log_text = staticmethod(lambda *given: sent.append(given))

    event = {"kind": "table", "name": "t", "rows": [{"a": 1, "b": "x"}, {"a": 2, "c": None}]}
    table(Tracker, "run", START, event)
    ((run, text, path),) = sent
    assert (run, path) == ("run", "tables/t.json")
    assert json.loads(text) == {
        "columns": ["a", "b", "c"],
        "data": [[1, "x", None], [2, None, None]],
    }
    entry = {"path": "tables/t.json", "type": "table"}
    assert json.loads(tables_tag(None, [event, event])) == [entry]
    other = json.dumps([{"path": "tables/u.json", "type": "table"}])
    assert json.loads(tables_tag(other, [event])) == [*json.loads(other), entry]
    client = pytest.importorskip("mlflow.utils.mlflow_tags")
    assert client.MLFLOW_LOGGED_ARTIFACTS == TABLES_TAG and client.MLFLOW_RUN_NOTE == NOTE_TAG


def test_a_data_set_is_the_same_in_both_jobs(tmp_path):
    """The job that makes a data set and the one that scores it name it by the same digest."""
    digest = "0123456789abcdef" * 4
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"dataset": "nq", "n": 9, "sources": {"questions": digest}}))
    scores = [{"kind": "artifact", "name": f"summaries/{n}", "path": str(path)} for n in "ab"]
    (scored,) = datasets_of_events(START, scores)
    made = {"kind": "artifact", "name": "questions", "path": "q", "sha256": digest}
    start = START | {"rule": "prepare_dataset", "wildcards": {"dataset": "nq"}}
    (prepared,) = datasets_of_events(start, [made | {"metadata": {"questions": 9}}])
    for one in (scored, prepared):
        validation._validate_dataset_inputs([one])
        assert (one.dataset.name, one.dataset.digest) == ("nq", digest[:36])
        assert json.loads(one.dataset.profile) == {"num_rows": 9, "sha256": digest}
    gone = [event | {"path": "gone"} for event in scores]
    assert datasets_of_events(START, gone) == []
