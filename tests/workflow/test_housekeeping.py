"""Looking after a finished run: its status, its journal, and its end."""

import os
import shutil

import pytest

from tests.workflow.project import Project

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
