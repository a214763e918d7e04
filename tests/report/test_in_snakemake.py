"""The targets around the report, by the real commands on a tiny project."""

import base64
import json
import re

import polars as pl
import pytest

from tests.workflow.project import make_project

pytestmark = pytest.mark.slow
SAYS_PARIS = {"engine": "echo", "options": {"answer": "Paris"}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A finished run of one cell, whose model answers Paris to everything."""
    project = make_project(
        tmp_path_factory.mktemp("says") / "project",
        experiment="says_paris",
        models={"parrot": SAYS_PARIS},
        modes={"oracle_context": None, "retriever_context": None},
        retrievers={"bm25": None},
    )
    config = project.config
    for table in ("modes", "retrievers"):
        config[table] = {name: entry for name, entry in config[table].items() if entry}
    project.write(config)
    project.run()
    return project


def said(done):
    """Return all that a command printed, on one line."""
    return " ".join((done.stdout + done.stderr).split())


def test_verify_compares_our_expected_scores(project):
    """The scores in tests/data are the tiny run's: three of them are compared."""
    assert "3 expected" in said(project.run("verify"))


def test_verify_compares_a_user_s_expected_scores(project):
    """A file named in the config is compared too, and what differs ends verify with its name."""
    names = {"model": "parrot", "dataset": "quiz", "mode": "no_context"}
    path = project.folder / "mine.json"
    path.write_text(json.dumps([{**names, "metric": "match", "value": 0.9, "tolerance": 0.1}]))
    done = project.run("verify", "--config", "expected=mine.json", check=False)
    assert done.returncode == 1
    assert "parrot/quiz/no_context: match is 0.2, expected 0.9 within 0.1 (mine.json)" in said(done)


def test_a_misspelt_experiment_is_named_with_those_that_exist(project):
    """`--config against=typo` ends in a sentence with the names of the finished experiments."""
    (project.folder / "results/begun").mkdir(exist_ok=True)
    for extra, why in (
        ("experiment=new", "compare: name another"),
        ("experiment=new against=says_pairs", "compare: says_pairs has no report; name another"),
        ("experiment=new against=begun", "compare: begun has no report; name another"),
        ("against=says_paris experiment=new against=new", "compare: new is this experiment itself"),
    ):
        done = project.run("compare", "--config", *extra.split(), check=False)
        assert done.returncode == 1 and "Traceback" not in said(done)
        assert why in said(done)
        assert "finished experiment by --config against=NAME; there are: says_paris" in said(done)


def test_a_saved_config_runs_again_and_agrees(project):
    """From the report's config.yaml comes an experiment with the same origin and numbers."""
    saved = project.folder / "results/says_paris/report/config.yaml"
    (project.folder / "saved.yaml").write_bytes(saved.read_bytes())
    again = ("--configfile", "saved.yaml", "--config", "experiment=again")
    project.run(*again)
    report = "report/comparison.csv"
    names = ("model", "dataset", "mode", "token_recall", "n")
    tables = [
        pl.read_csv(project.folder / f"results/{e}/{report}") for e in ("again", "says_paris")
    ]
    assert tables[0].select(names).equals(tables[1].select(names))
    project.run("compare", *again, "against=says_paris")
    page = project.folder / "results/again/report/against_says_paris.md"
    assert "No differences: config, templates" in page.read_text()


def test_what_is_only_told_reruns_nothing(project):
    """A GPU count, a tracker and a region are in the report; an edit of them plans nothing."""
    told = "{parrot: {gpus: 1, mem_mb: 5000}}"
    edits = (f"models={told}", "tracking={project: other}", "storage={region: eu}")
    done = project.run("-n", "--config", *edits)
    assert "Nothing to be done" in said(done)


def test_snakemakes_own_report_holds_the_page(project):
    """`snakemake --report` packs the very page, byte by byte, into its own."""
    project.snakemake("--report", "whole.html")
    text = (project.folder / "whole.html").read_text()
    packed = re.search(r"filename=report\.html;base64,([A-Za-z0-9+/=]+)", text)
    page = (project.folder / "results/says_paris/report/report.html").read_bytes()
    assert base64.b64decode(packed[1]) == page


def test_a_judges_files_are_inputs_of_its_grades(project):
    """An edit of the judge's chat template or adapter grades again."""
    (project.folder / "judge.jinja").write_text("{{ messages[0].content }}")
    (project.folder / "lora").mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (project.folder / "lora" / name).write_text("{}")
    judge = "{datasets: [quiz], model: {engine: echo, chat_template: judge.jinja, adapter: lora}}"
    planned = said(project.run("-n", "--config", f"judge={judge}"))
    inputs = planned.partition("rule grade_answers:")[2].partition("output:")[0]
    assert {"judge.jinja", "lora"} <= {*inputs.replace(",", "").split()}
