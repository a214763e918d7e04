"""What a run's own task says of its jobs: results, counts, peaks, alerts."""

import json
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.job.attempts import RUN_ID_VARIABLE, begin_attempt
from slmrag.job.code_version import VERSION_VARIABLE
from slmrag.job.packages import PREFIX_VARIABLE
from slmrag.tracking import run_events, workflow_run
from slmrag.tracking.run_summary import is_before, summarize_run

RUN = "20261128T100000Z-0123456789ab"
CONFIG = {"experiment": "e", "metrics": {"primary": "token_recall"}, "tracking": {"mode": "off"}}


class Jobs:
    """An experiment's folder that jobs of a run are written into."""

    def __init__(self, results):
        self.results, self.number = results, 0

    def add(self, rule, *events, status="completed", peak=None, run=RUN, **wildcards):
        """Write an attempt of a job; the same job again is a retry."""
        self.number += 1
        name = f"20261128T100000Z-{self.number:012x}"
        path = begin_attempt(Path(self.results, "jobs", rule, *wildcards.values()), name)
        start = {"time": 100.0 + self.number, "kind": "start", "id": name, "run": run, "rule": rule}
        start |= {"wildcards": wildcards, "experiment": "e", "params": {}}
        end = {"time": 200.0 + self.number, "kind": "end", "status": status, "peak": peak or {}}
        lines = [start, *events, end]
        path.write_text("".join(json.dumps(event) + "\n" for event in lines))

    def numbers(self):
        """Return the single values and the other events that the run gets."""
        found = list(run_events.run_events(summarize_run(self.results, RUN), CONFIG))
        singles = {event["name"]: event["value"] for event in found if event["kind"] == "single"}
        return singles, [event for event in found if event["kind"] != "single"]


@pytest.fixture
def jobs(tmp_path):
    """No jobs yet."""
    return Jobs(tmp_path / "results/e")


def single(name, value):
    """Return an event with a value."""
    return {"time": 1.0, "kind": "single", "name": name, "value": value}


def alert(name, message="too much"):
    """Return an alert."""
    return {"time": 1.0, "kind": "alert", "name": name, "message": message}


SCORES = [single("token_recall/nq/open", 0.25), single("f1/nq/open", 0.5), single("questions", 9)]
GENERATED = [
    single("generated", 40),
    single("generation_seconds", 3.5),
    single("engine_start_seconds", 1.0),
]


def test_a_run_without_a_report_has_the_primary_metric_of_each_cell(jobs):
    """Under the name that a report would give it; other numbers stay with the job."""
    jobs.add("score_answers", *SCORES, model="tiny", dataset="nq")
    singles, rest = jobs.numbers()
    assert singles == {"token_recall tiny/nq/open": 0.25, "jobs": 1, "failed_jobs": 0, "alerts": 0}
    assert rest == []


def test_a_run_with_a_report_has_what_the_report_says(jobs):
    """Numbers, tables, plots, note, page and comparison are the report's, in its order."""
    figure = {"data": [{"type": "bar"}], "layout": {}}
    said = [
        {"time": 1.0, "kind": "note", "text": "tiny is best"},
        {"time": 1.0, "kind": "table", "name": "comparison", "rows": [{"model": "tiny"}]},
        {"time": 1.0, "kind": "plot", "name": "scores", "path": "a.svg", "figure": figure},
        single("token_recall tiny/nq/open", 0.75),
        {"time": 1.0, "kind": "artifact", "name": "html", "path": "r.html", "bytes": 3},
        {"time": 1.0, "kind": "artifact", "name": "csv", "path": "c.csv", "bytes": 3},
        {"time": 1.0, "kind": "artifact", "name": "parquet", "path": "c.parquet", "bytes": 3},
        {"time": 1.0, "kind": "memory", "rss_bytes": 1},
    ]
    jobs.add("score_answers", *SCORES, model="tiny", dataset="nq")
    jobs.add("report_comparison", *said)
    singles, rest = jobs.numbers()
    assert singles["token_recall tiny/nq/open"] == 0.75
    assert [event["kind"] for event in rest] == ["note", "table", "plot", "artifact", "artifact"]
    assert rest[2]["figure"] == figure
    assert [(event["name"], event["path"]) for event in rest[3:]] == [
        ("report", "r.html"),
        ("comparison", "c.csv"),
    ]


def test_a_failed_report_leaves_the_scores(jobs):
    """What a report wrote before it failed is no result."""
    jobs.add("score_answers", *SCORES, model="tiny", dataset="nq")
    jobs.add("report_comparison", single("token_recall tiny/nq/open", 0.1), status="failed")
    singles, _ = jobs.numbers()
    assert (singles["token_recall tiny/nq/open"], singles["failed_jobs"]) == (0.25, 1)


def test_peaks_and_engines(jobs):
    """Peaks are of the largest job, in GB; answers and engine seconds are sums."""
    peaks = {"rss_bytes": 2.5e9, "gpu_bytes": 71_000_000_000}
    jobs.add("generate_answers", *GENERATED, peak=peaks, model="tiny")
    jobs.add("generate_answers", *GENERATED, peak={"rss_bytes": 9e9}, model="large")
    singles, _ = jobs.numbers()
    assert (singles["peak_cpu_gb"], singles["peak_gpu_gb"]) == (9.0, 71.0)
    assert (singles["generated_answers"], singles["engine_seconds"]) == (80, 9.0)


def test_a_retried_job_counts_once(jobs):
    """By its last attempt; an alert of an earlier one is told too, and the same only once."""
    for status in ("failed", "failed", "completed"):
        jobs.add("generate_answers", alert("gpu_memory_percent"), status=status, model="tiny")
    summary = summarize_run(jobs.results, RUN)
    assert summary.by_status == {"completed": 1}
    assert summary.alerts == [("gpu_memory_percent", "generate_answers tiny: too much")]


def test_jobs_of_other_runs_and_maintenance_do_not_count(jobs):
    """Only what this run did is its result."""
    jobs.add("score_answers", *SCORES, run="another", model="tiny", dataset="nq")
    jobs.add("sync_tracking")
    jobs.add("workflow", run_=RUN)
    assert jobs.numbers() == ({}, [])


def test_many_alerts_are_bounded_and_counted(jobs):
    """The number is whole, and the last event says how many are not shown."""
    many = [alert(f"a{number}") for number in range(run_events.MAX_ALERTS + 5)]
    jobs.add("score_answers", *many, model="tiny")
    singles, rest = jobs.numbers()
    assert singles["alerts"] == run_events.MAX_ALERTS + 5
    assert len(rest) == run_events.MAX_ALERTS + 1
    assert rest[-1]["message"].startswith("5 more alerts")


def test_what_is_not_read_in_time_is_counted(jobs):
    """A run that may not wait says of how many logs it knows nothing."""
    for model in "abc":
        jobs.add("score_answers", *SCORES, model=model, dataset="nq")
    summary = summarize_run(jobs.results, RUN, seconds=-1)
    assert (summary.jobs, summary.unread) == ([], 3)


def test_a_broken_log_costs_no_other(jobs):
    """Truncated lines, and events without their fields, are passed over."""
    jobs.add("score_answers", *SCORES, model="tiny", dataset="nq")
    jobs.add("score_answers", {"kind": "single"}, model="odd", dataset="nq")
    path = begin_attempt(jobs.results / "jobs/score_answers/cut/nq", RUN)
    path.write_text('{"kind": "start", "run": "' + RUN)
    singles, _ = jobs.numbers()
    assert singles["token_recall tiny/nq/open"] == 0.25


def test_many_jobs_take_a_moment(jobs):
    """A large grid is read whole, in a time far below that of any job (2,000: 0.5 s, measured)."""
    for number in range(500):
        jobs.add("score_answers", *SCORES, model=f"m{number}", dataset="nq")
    begun = time.perf_counter()
    summary = summarize_run(jobs.results, RUN, seconds=30)
    assert len(summary.jobs) == 500
    assert time.perf_counter() - begun < 5


NAMES = st.from_regex(r"2026(01|12)(01|28)T[01][0-9]0000Z-[0-9a-f]{4}", fullmatch=True)


@settings(max_examples=50)
@given(NAMES, NAMES)
def test_an_attempt_before_a_run_is_a_day_before(attempt, run):
    """No clock is a day wrong; names without a time are never taken for early."""
    gap = time.strptime(run[:16], "%Y%m%dT%H%M%SZ"), time.strptime(attempt[:16], "%Y%m%dT%H%M%SZ")
    assert is_before(attempt, run) == (time.mktime(gap[0]) - time.mktime(gap[1]) > 86_400)
    assert not is_before("attempt-1", run)
    assert not is_before(attempt, "run-1")


def test_the_runs_own_log_ends_with_its_end(tmp_path, monkeypatch):
    """Start, what the jobs found, end, and no more: the end is the last line whatever happens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VERSION_VARIABLE, "")
    monkeypatch.setenv(RUN_ID_VARIABLE, RUN)
    monkeypatch.setenv(PREFIX_VARIABLE, sys.prefix)
    workflow_run.start(CONFIG)
    Jobs(Path("results/e")).add("score_answers", *SCORES, alert("empty_share"), model="tiny")
    workflow_run.finish(CONFIG, "completed")
    path = Path(f"results/e/jobs/workflow/{RUN}/attempts/{RUN}.jsonl")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = [event["kind"] for event in events]
    assert kinds == ["start", *["single"] * (len(kinds) - 3), "alert", "end"]
    start = events[0]
    assert start["packages"]["pydantic"]
    assert "diff" not in start["code"]
    assert start["prefix"] == sys.prefix


def test_the_diff_is_sent_on_request(tmp_path, monkeypatch):
    """``tracking.diff: true`` puts the changes of tracked files into the run's start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VERSION_VARIABLE, "")
    monkeypatch.setenv(RUN_ID_VARIABLE, RUN)
    monkeypatch.setattr(workflow_run, "read_diff", lambda project: f"# of {project.name}\n")
    code = workflow_run.start_event(CONFIG | {"tracking": {"diff": True}})["code"]
    assert code == {"diff": f"# of {tmp_path.name}\n"}
