"""Looking after a finished run: its status, its journal, and its end."""

import os
import shutil

import pytest

from tests.workflow.project import Project, make_project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(echo_run, tmp_path) -> Project:
    """A copy of a finished run."""
    shutil.copytree(echo_run.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def test_status_tells_done_from_stale_and_missing(project):
    """An edited cell is stale, one whose score was removed is missing, the others are done."""
    assert "3 done, 0 running, 0 stale, 0 missing" in project.run("--", "status").stderr
    project.edit(modes={"retriever_context": {"passages": 1}}, generation={"batch": "cell"})
    (project.folder / "results/tiny/scores/parrot/quiz/no_context.json").unlink()
    said = project.run("--", "status").stderr
    assert "missing  parrot/quiz/no_context" in said
    assert "stale    parrot/quiz/retriever_context" in said


def test_the_journal_loses_only_what_is_old_and_unused(project):
    """What a result came from is never pruned, whatever its age; another file is once it is old."""
    journal = project.folder / "resources/journal"
    used = list(journal.glob("*/*.jsonl"))
    other = journal / "00ff" / "1-a.jsonl"
    other.parent.mkdir()
    other.write_text('{"digest": "00", "text": ""}\n')
    assert "unused: 1 completions in 1 files" in project.run("--", "journal").stderr
    project.run("--", "prune_journal")
    assert other.exists()
    os.utime(other, (0, 0))
    for path in used:
        os.utime(path, (0, 0))
    assert "removed 1 files" in project.run("--", "prune_journal").stderr
    assert not other.parent.exists()
    assert list(journal.glob("*/*.jsonl")) == used


def test_a_cleaned_experiment_comes_back_without_its_engine(project):
    """`clean_experiment` removes the results; the next run takes all answers from the journal."""
    project.run("--", "clean_experiment")
    assert not (project.folder / "results/tiny/answers").exists()
    before = sorted((project.folder / "resources/journal").glob("*/*.jsonl"))
    project.run()
    assert (project.folder / "results/tiny/report/report.html").exists()
    assert sorted((project.folder / "resources/journal").glob("*/*.jsonl")) == before


def test_explain_says_why_a_file_would_be_made_again_and_makes_nothing(project):
    """`snakemake explain FILE` names each job with its reason, the first cause first."""
    path = "results/tiny/report/comparison.csv"
    assert "nothing would run" in project.snakemake("--", "explain", path).stdout
    project.edit(modes={"retriever_context": {"passages": 1}})
    before = (project.folder / path).stat().st_mtime_ns
    said = project.snakemake("--", "explain", path).stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "build_prompts/quiz/retriever_context",
        "generate_answers/parrot",
        "score_answers/parrot",
        "report_comparison",
    ]
    assert "Params have changed" in said[0] and "'passages': 1" in said[0]
    assert (project.folder / path).stat().st_mtime_ns == before
    assert "nope.csv" in project.snakemake("--", "explain", "nope.csv", check=False).stderr


def test_what_looks_after_the_folders_needs_no_cores(project):
    """`snakemake status`, as it is typed, with what --config says for this once."""
    edit = ["--config", "modes={retriever_context: {passages: 1}}"]
    assert "3 done" in project.snakemake("--", "status").stderr
    assert "3 stale" in project.snakemake(*edit, "--", "status").stderr


def test_nothing_is_needed_to_look_after_an_empty_folder(tmp_path):
    """Each of these commands ends well where nothing was ever run, and takes no resource away."""
    project = make_project(tmp_path / "empty")
    kept = project.folder / "resources/raw/mine"
    kept.mkdir(parents=True)
    said = project.snakemake("--", "status").stderr
    assert "0 done, 0 running, 0 stale, 3 missing" in said
    for target in ("journal", "prune_journal", "clean_experiment"):
        project.snakemake("--", target)
    assert kept.is_dir()
    assert (project.folder / "data/passages.tsv").exists()
