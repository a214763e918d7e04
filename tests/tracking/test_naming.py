"""What a tracker is told: names, tags, sections, alerts, settings."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.job import alerts, outputs
from slmrag.job.job_info import cells_of_job
from slmrag.tracking import naming
from slmrag.tracking.clearml import names
from slmrag.tracking.clearml.store import file_url, store_name
from slmrag.tracking.send import with_run
from slmrag.tracking.settings import settings

from tests.tracking.memory_tracker import START


def test_names():
    """Project, task and tags come from rule, wildcards, experiment and cells."""
    assert naming.task_name(START) == "generate_answers tiny"
    assert naming.project_name("slm/x", START) == "slm/x/e"
    assert naming.task_tags(START) == [
        "dataset:nq",
        "experiment:e",
        "mode:no_context",
        "mode:oracle",
        "model:tiny",
        "rule:generate_answers",
    ]
    assert naming.artifact_name("generate_answers", "answers/nq_oracle") == "predictions_nq_oracle"
    assert naming.artifact_name("score_answers", "scores") == "experiment_results"
    run = START | {"rule": "workflow", "wildcards": {"run": "r"}, "params": {}}
    assert naming.task_tags(run) == ["experiment:e", "rule:workflow"]


@given(st.text(" abC-._ü", min_size=1, max_size=5).filter(str.strip))
def test_a_server_accepts_every_name(name):
    """A name has 3 characters at least, and one that is long enough stays as it is."""
    filled = names.server_name(name)
    assert len(filled) >= names.MIN_CHARACTERS and filled == names.server_name(filled)
    assert filled.rstrip("_") == name.strip().rstrip("_")
    assert len(name.strip()) < names.MIN_CHARACTERS or filled == name.strip()
    assert names.project_path(f"{name}/lab") == f"{filled}/lab"


def test_mlflow_tags_name_all_modes():
    """A job of several cells has one tag a kind, which names all of them."""
    from slmrag.tracking.mlflow.tags import joined_tags

    tags = joined_tags(naming.task_tags(START))
    assert (tags["mode"], tags["model"]) == ("no_context, oracle", "tiny")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://minio:9000/bucket/x", "bucket 'bucket' at minio:9000"),
        ("s3://bucket/x", "bucket 'bucket' at Amazon S3"),
        ("http://files:8081/x", "the store http://files:8081"),
    ],
)
def test_a_store_is_named_by_bucket_and_endpoint(url, name):
    """A sentence about a store says which one."""
    assert store_name(url) == name


def test_an_address_has_no_query():
    """A project may have any name, and its files can be opened."""
    assert file_url("http://files:8081/", "a?b#c/d 50%", "f.txt") == (
        "http://files:8081/a_b_c/d 50%/f.txt"
    )


def test_one_file_is_named_as_several_are():
    """An artifact's name does not depend on how many cells a job has."""
    cells = [{"model": "m", "dataset": "nq", "mode": mode} for mode in ("oracle", "none")]
    labels = [
        outputs.file_labels(SimpleNamespace(params={"cells": cells[:n]}), ["file"] * n)
        for n in (1, 2)
    ]
    assert labels[0] == labels[1][:1] == [{"dataset": "nq", "mode": "oracle"}]


@pytest.mark.parametrize(
    "cells",
    [
        [{"model": "m", "dataset": "d", "mode": "o"}],
        [["m", "d", "o"]],
        ["m/d/o"],
    ],
)
def test_cells_in_every_shape(cells):
    """A cell may be a mapping, a list or a path."""
    assert list(cells_of_job({"cells": cells})) == [{"model": "m", "dataset": "d", "mode": "o"}]


@given(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.none() | st.lists(st.text())))
def test_flat_values_are_text(values):
    """Flattening keeps every key, and every value can be read back."""
    flat = naming.flatten({"top": values}) if values else {}
    assert set(flat) == {f"top.{key}" for key in values}
    assert {key[4:]: json.loads(value) for key, value in flat.items()} == values


def test_alerts_on_memory_and_time():
    """Only what is above its limit is an alert."""
    found = alerts.limit_facts(
        {"pss_bytes": 9.6e8, "gpu_memory_percent": 96}, 7200, {"mem_mb": 1000}
    )
    limits = {"gpu_memory_percent": 95, "host_memory_percent": 97, "run_hours": 1}
    said = dict(alerts.machine_alerts(limits, found))
    assert set(said) == {"gpu_memory_percent", "run_hours"}
    assert said["run_hours"] == "run time is 2 h, above 1 h"


def test_alerts_on_results():
    """Shares follow from counts; a score is held to its cell's expectation, else to the general."""
    results = {"questions": 10, "truncated": 3, "empty": 0}
    results |= {"token_recall/nq/oracle": 0.3, "token_recall/nq/no_context": 0.3}
    limits = {"truncated_share": 0.2, "empty_share": 0.2}
    limits["expected"] = {"token_recall": 0.1, "token_recall/nq/oracle": 0.5}
    assert dict(alerts.result_alerts(limits, results)) == {
        "truncated_share": "share of truncated answers is 0.3, above 0.2",
        "token_recall_low": "token_recall is 0.3, below the expected 0.5 in nq/oracle",
    }


def test_numbers_about_a_file():
    """A file of a cell carries the numbers named after that cell; a file alone carries all."""
    results = {"questions": 9, "answers/nq/oracle": 4, "answers/nq/none": 5, "engine": "echo"}
    part = {"dataset": "nq", "mode": "oracle"}
    assert outputs.numbers_of_file(results, part, False) == {"answers": 4}
    assert outputs.numbers_of_file({"questions": 9}, {}, True) == {"questions": 9}
    assert outputs.numbers_of_file(results, {"file": "0"}, False) == {}


def test_a_folder_has_its_manifest_s_digest(tmp_path):
    """The digest that a job wrote beside its folder is taken over; a manifest itself is hashed."""
    folder, manifest = str(tmp_path / "index"), str(tmp_path / "index.json")
    Path(folder).mkdir()
    Path(manifest).write_text('{"digest": "abc"}')
    job = SimpleNamespace(outputs={"index": [folder], "manifest": [manifest]})
    assert outputs.known_digest(job, folder) == "abc"
    assert outputs.known_digest(job, manifest) is None
    job.outputs.pop("manifest")
    assert outputs.known_digest(job, folder) is None


def test_absent_settings_are_defaults():
    """None and unknown keys change nothing."""
    assert settings({"deadline_seconds": None, "other": 1}) == settings(None)
    assert not settings({"mode": "off"}).is_on


def test_a_job_has_what_only_its_run_says():
    """Config, packages and repository are the run's; the commit and other packages are its own."""
    whole = {"params": {"models": {}}, "packages": {"a": "1"}}
    whole |= {"code": {"commit": "old", "repository": "r", "diff": "d"}}
    own = START | {"code": {"commit": "new", "digest": "x", "branch": None}}
    found = with_run(own, whole)
    assert found["code"] == {"commit": "new", "repository": "r", "diff": "d", "digest": "x"}
    assert (found["config"], found["packages"]) == ({"models": {}}, {"a": "1"})
    assert with_run(START | {"packages": {"b": "2"}}, whole)["packages"] == {"b": "2"}
    assert with_run(START, None)["config"] == {}
    assert "Code" not in naming.parameter_sections(START | {"code": {"diff": "d"}})


def test_an_encoder_is_a_job_s_model(tmp_path):
    """What a retriever's job encodes with is named by its manifest; a job without one has none."""
    manifest = tmp_path / "dense.json"
    manifest.write_text('{"uri": "hf:org/e5", "revision": "r", "digest": "d"}')
    job = SimpleNamespace(wildcards={"retriever": "dense"}, params={"entry": {"kind": "dense"}})
    job.inputs = {"encoder_manifest": [str(manifest)]}
    facts = outputs.model_facts(job)
    assert (facts["name"], facts["uri"], facts["digest"]) == ("dense", "hf:org/e5", "d")
    job.inputs = {"encoder_manifest": []}
    assert outputs.model_facts(job) is None


def test_keys_of_clearml_are_refused_for_mlflow():
    """The sentence says what to do."""
    from slmrag.config.tracking import TrackingEntry

    assert TrackingEntry(datasets="datasets").params()["datasets"] == "datasets"
    assert "datasets" not in TrackingEntry().params()
    with pytest.raises(ValueError, match=r"the backend is mlflow, .*: remove the key"):
        TrackingEntry(backend="mlflow", datasets="datasets")
    with pytest.raises(ValueError, match=r"output_uri: the backend is mlflow, .*: remove the key"):
        TrackingEntry(backend="mlflow", output_uri="s3://host/bucket")


def test_an_experiment_that_is_deleted_at_mlflow_is_named_with_its_remedy():
    """No run can be made there: the sentence says how to restore it, or to take another."""
    from types import SimpleNamespace

    from slmrag.tracking.mlflow.tracker import DeletedExperiment, MlflowTracker

    found = SimpleNamespace(lifecycle_stage="deleted", experiment_id="7")
    tracker = MlflowTracker.__new__(MlflowTracker)
    tracker.client = SimpleNamespace(get_experiment_by_name=lambda name: found)
    with pytest.raises(
        DeletedExperiment, match=r"'lab/base' is deleted .*restore --experiment-id 7"
    ):
        tracker.experiment("lab/base")
