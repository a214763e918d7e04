"""The record of an engine's run says what ran, where and how fast."""

import json
import time

import pytest
from slmrag.generation import engine_run
from slmrag.generation.engines import base, echo, hardware
from slmrag.job import events, progress_events

GPU = {"name": "NVIDIA H100", "driver": "570.1", "energy_millijoules": 5_000}


@pytest.fixture
def run(monkeypatch):
    """Make the record of a run on a made-up GPU or on none."""

    def make(gpu):
        reads = iter(range(10))
        found = lambda: gpu and gpu | {"energy_millijoules": 5_000 * (1 + next(reads))}  # noqa: E731
        monkeypatch.setattr(engine_run, "first_gpu", found)
        config = base.EngineConfig({}, base.Sampling(), hardware={"gpus": 1 if gpu else 0})
        made = engine_run.EngineRun(echo.Engine(config), 0.5)
        made.count([base.Completion("ab", "yes", 7, 2, "stop", 0.1, 0.2)])
        return made

    return make


def test_a_gpu_is_named_and_its_energy_counted(run):
    """Name and driver stand in the record, and the joules between its two readings."""
    record = run(GPU).record()
    assert (record["gpu_name"], record["driver"]) == ("NVIDIA H100", "570.1")
    assert record["energy_joules"] == 5.0
    assert (record["requests"], record["prompt_tokens"], record["generated_tokens"]) == (1, 7, 2)


def test_without_a_gpu_its_numbers_are_null(run):
    """What there is none of is null, not left out and not zero."""
    record = run({}).record()
    names = ("gpu_name", "driver", "peak_gpu_bytes", "energy_joules", "parameters")
    assert [record[name] for name in names] == [None] * 5
    assert record["peak_cpu_bytes"] > 2**20


def test_the_adapter_is_known_by_its_content(tmp_path):
    """The record has the digest of the adapter's files; a folder's name says nothing of them."""
    found = []
    for weights in (b"one", b"two"):
        (tmp_path / "adapter_config.json").write_text("{}")
        (tmp_path / "adapter_model.safetensors").write_bytes(weights)
        config = base.EngineConfig({}, base.Sampling(), adapter=tmp_path)
        found.append(engine_run.EngineRun(echo.Engine(config), 0.5).record()["adapter"])
    assert len(set(found)) == 2 and all(len(digest) == 64 for digest in found)


def test_the_peaks_are_those_of_the_jobs_sampler(run, tmp_path):
    """GPU memory is what the job's own processes held, as its sampler saw it."""
    log = events.EventLog(tmp_path / "events.jsonl")
    log.peaks = {"rss_bytes": 2**40, "gpu_bytes": 3 * 2**30}
    events.use_log(log)
    try:
        record = run(GPU).record()
    finally:
        events.use_log(None)
        log.close()
    assert (record["peak_cpu_bytes"], record["peak_gpu_bytes"]) == (2**40, 3 * 2**30)


def test_the_jobs_events_tell_the_start_and_the_rates(run):
    """What is worth tracking is a number for each name, and JSON can hold it."""
    summary = run(GPU).summary()
    assert summary["engine_start/start_seconds"] == summary["engine_start_seconds"] == 0.5
    assert {"tokens_per_second", "requests_per_second", "peak_cpu_bytes"} <= set(summary)
    assert None not in json.loads(json.dumps(summary)).values()


def test_a_completion_is_placed_in_its_run(run):
    """The journal keeps when a completion was finished since the run began, null if unknown."""
    made, now = run({}), time.monotonic()
    known = base.Completion("ab", "yes", 7, 2, "stop", 0.1, 0.2, now + 5, 3)
    line = made.journal_line(known)
    assert 5 <= line["finished"] < 10 and "ended" not in line
    assert (line["engine"], line["cached_tokens"], line["seconds"]) == (made.id, 3, 0.2)
    assert made.journal_line(known._replace(ended=None))["finished"] is None


def test_the_engines_end_is_no_generation(run):
    """What a job does between its last record and its summary adds no second to the generation."""
    made = run({})
    record = made.record()
    time.sleep(0.01)
    assert made.summary()["generation_seconds"] == record["generation_seconds"]


def on_cpu(self):
    """Say what an engine says that could not use a GPU."""
    return {"device": "cpu", "gpu_unused": "it runs on the CPU although"}


def test_a_gpu_that_was_not_used_is_no_device(run, monkeypatch, tmp_path):
    """On the CPU of a machine with a GPU the record names the CPU, and an alert tells the rest."""
    monkeypatch.setattr(echo.Engine, "about", on_cpu)
    events.use_log(log := events.EventLog(tmp_path / "events.jsonl"))
    try:
        record = run(GPU).record()
    finally:
        events.use_log(None)
        log.close()
    assert (record["gpu_name"], record["energy_joules"]) == (None, None)
    assert record["cpu_name"] and record["gpu_unused"].startswith("it runs on the CPU")
    event = json.loads((tmp_path / "events.jsonl").read_text().splitlines()[0])
    assert (event["kind"], event["name"]) == ("alert", "gpu_unused")


def test_a_cpu_has_a_name(tmp_path):
    """The chip's name is the system's, or else its architecture."""
    known = tmp_path / "cpuinfo"
    known.write_text("processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n")
    assert hardware.cpu_name(known) == "AMD EPYC"
    known.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    assert hardware.cpu_name(known) == hardware.cpu_name(tmp_path / "none") != ""


def test_a_sum_of_tokens_that_are_partly_unknown_is_null(run):
    """What an endpoint did not count of one answer is not known of the run, and no rate is."""
    made = run({})
    made.count([base.Completion("cd", "no", None, None, "stop", 0.1, 0.2)])
    made.count([base.Completion("ef", "no", 3, 3, "stop", 0.1, 0.2)])
    record = made.record()
    told = [record[name] for name in ("requests", "prompt_tokens", "generated_tokens")]
    assert told == [3, None, None]
    assert "tokens_per_second" not in made.summary()


def test_the_speed_is_a_series_while_answers_come(run, monkeypatch, tmp_path):
    """Tokens per second since the last point, every ten seconds; none where a count is unknown."""
    now = [0.0]
    monkeypatch.setattr(progress_events, "clock", lambda: now[0])
    one = base.Completion("ab", "yes", 7, 50, "stop", 0.1, 0.2, 0.0, 3)
    events.use_log(log := events.EventLog(tmp_path / "events.jsonl"))
    try:
        made = run({})
        for finished in ([one], [one], [one], [one._replace(generated_tokens=None)], [one]):
            now[0] += 6
            made.count(finished)
    finally:
        events.use_log(None)
        log.close()
    points = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    told = [(point["name"], point["value"]) for point in points]
    assert told == [("per second/tokens", 8.5)]
