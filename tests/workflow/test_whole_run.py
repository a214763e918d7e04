"""The whole workflow on a tiny project: every rule, for real."""

import csv
import json
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from tests.models.tiny_model import make_model
from tests.workflow.project import ROOT, make_encoder, make_project

pytestmark = pytest.mark.slow
DENSE = {"kind": "dense", "encoder": "encoder", "pooling": "mean", "depth": 4}
DENSE_MODE = {
    "context": "retriever",
    "prompt": "config/prompts/with_context.jinja",
    "retriever": "dense",
    "passages": 1,
}
TINY = {"checkpoint": "tiny", "dtype": "float32", "max_model_len": 384, "gpus": 0}


@pytest.fixture(scope="module")
def real_run(tmp_path_factory):
    """A finished run with vLLM's CPU engine, a tiny random Llama and a tiny random BERT."""
    pytest.importorskip("vllm")
    project = make_project(
        tmp_path_factory.mktemp("real") / "project",
        retrievers={"dense": DENSE},
        modes={"dense_context": DENSE_MODE},
        models={"parrot": None, "tiny": TINY | {"enforce_eager": True}},
        tracking={"mode": "auto"},
    )
    make_model(project.folder / "tiny")
    make_encoder(project.folder / "encoder")
    project.run()
    return project


def test_a_whole_run_makes_the_report(real_run):
    """Four cells of the vLLM engine stand in the table, with as many questions as the set has."""
    text = (real_run.folder / "results/tiny/report/comparison.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert {row["mode"] for row in rows} == set(real_run.config["modes"])
    assert {int(row["n"]) for row in rows} == {5}


def test_the_oracle_prompt_holds_the_answer(real_run):
    """Every oracle prompt has the gold passage, and no no-context prompt has one."""
    folder = real_run.folder / "results/tiny/prompts/quiz"
    assert pl.read_parquet(folder / "oracle_context.parquet")["has_answer"].all()
    assert pl.read_parquet(folder / "no_context.parquet")["passages"].list.len().sum() == 0


def test_each_job_told_its_events_and_memory(real_run):
    """Each rule's job left events that end in `completed` and a peak of memory above 10 MB."""
    jobs = real_run.folder / "results/tiny/jobs"
    rules = {path.name for path in jobs.iterdir()}
    assert {"generate_answers", "index_passages", "score_answers", "report_comparison"} <= rules
    for log in jobs.rglob("events.jsonl"):
        events = [json.loads(line) for line in log.read_text().splitlines()]
        memory = json.loads((log.parent / "memory_usage.json").read_text())
        assert events[-1]["status"] == "completed"
        assert memory["peak"]["rss_bytes"] > 10_000_000


def test_the_report_s_files_say_what_was_read_and_on_what(real_run):
    """Each cell names its chip, and index and search say how much of their texts was read."""
    text = (real_run.folder / "results/tiny/report/comparison.csv").read_text()
    devices = {row["device"] for row in csv.DictReader(text.splitlines())}
    assert len(devices) == 1 and devices.pop().startswith("cpu (")
    (index,) = real_run.folder.glob("resources/indexes/facts*/dense*/index.json")
    search = real_run.folder / "results/tiny/retrieval/quiz/dense.json"
    told = [json.loads(index.read_text()), json.loads(search.read_text())["facts"]]
    counts = [[one["reading"][name] for name in ("texts", "cut", "longest")] for one in told]
    assert counts == [[6, 0, 128], [5, 0, 128]]


def test_the_engine_started_once(real_run):
    """All cells of the model name the same single start of the engine."""
    starts = set()
    for path in (real_run.folder / "results/tiny/timings").rglob("*.parquet"):
        starts |= {engine["id"] for engine in json.loads(pl.read_parquet_metadata(path)["engines"])}
    assert len(starts) == 1


def test_a_second_run_does_nothing(real_run):
    """A finished run has nothing to be done."""
    done = real_run.snakemake("-n")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_the_page_needs_no_network(real_run):
    """The page holds no address of another host."""
    page = (real_run.folder / "results/tiny/report/report.html").read_text()
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_snakemake_s_own_report_is_made(real_run):
    """`snakemake --report` writes its page without a network."""
    real_run.snakemake("--report", "whole.html")
    assert (real_run.folder / "whole.html").stat().st_size > 100_000


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_killed_run_is_completed_by_the_next(tmp_path, name):
    """A run killed in the middle of generation ends by a second run, with every answer there."""
    slow = {"engine": "echo", "options": {"delay": 0.5}}
    project = make_project(tmp_path / "p", models={"parrot": slow})
    driver = subprocess.Popen(
        project.command("--cores", "2"), cwd=project.folder, stderr=subprocess.DEVNULL
    )
    journal = project.folder / "resources/journal"
    deadline = time.monotonic() + 120
    while not any(path.stat().st_size for path in journal.rglob("*.jsonl")):
        assert time.monotonic() < deadline and driver.poll() is None
        time.sleep(0.1)
    driver.send_signal(getattr(signal, name))
    driver.wait(timeout=60)
    project.snakemake("--unlock")
    project.run()
    table = pl.read_csv(project.folder / "results/tiny/report/comparison.csv")
    assert table["n"].to_list() == [5, 5, 5]


CONFIGS = sorted([*ROOT.glob("config/*.yaml"), *ROOT.glob("tests/config/*.yaml")])


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_has_a_plan(path, tmp_path):
    """A dry run of each shipped config plans the report, without a network."""
    project = make_project(tmp_path / "p")
    (project.folder / "config.yaml").write_text(path.read_text())
    dead = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = project.snakemake("-n", env=dead)
    assert "build_prompts" in done.stdout + done.stderr
    assert not (project.folder / "resources").exists()


def test_the_slurm_profile_is_found_at_the_root():
    """`snakemake -n --profile slurm` works at the root with no set-up."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--profile", "slurm"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_small_corpora_ask_for_little_memory(echo_run):
    """Indexing and searching six passages ask for 4 GB, so that any node of a cluster will do."""
    for job in ("index_passages/facts/bm25", "retrieve_passages/quiz/bm25"):
        events = (echo_run.folder / f"results/tiny/jobs/{job}/events.jsonl").read_text()
        assert json.loads(events.splitlines()[0])["resources"]["mem_mb"] == 4000
