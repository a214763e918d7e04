"""Looking after a finished run: its status, its journal, and its end."""

import os
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
from slmrag.job.attempts import MAINTENANCE_RULES

from tests.slurm.driver import completions
from tests.slurm.processes import wait
from tests.workflow.project import ROOT, Project, make_project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(echo_run, tmp_path) -> Project:
    """A copy of a finished run."""
    shutil.copytree(echo_run.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def looked(project, target, *arguments, check=True, file=""):
    """Return how `make status` or `make explain` of the repository ended for a project."""
    folder = str(project.folder)
    words = ["--snakefile", str(ROOT / "Snakefile"), "--directory", folder]
    words += ["--configfile", f"{folder}/config.yaml", *arguments]
    command = ["make", "-C", str(ROOT), "--no-print-directory", target, f"FILE={file}"]
    command += [f"ARGS={shlex.join(words)}", f"VENV={os.path.relpath(sys.prefix, ROOT)}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def test_status_tells_done_from_stale_and_missing(project):
    """An edited cell is stale, one whose score was removed is missing, the others are done."""
    assert "3 done, 0 running, 0 stale, 0 missing" in looked(project, "status").stdout
    project.edit(modes={"retriever_context": {"passages": 1}}, generation={"batch": "cell"})
    (project.folder / "results/tiny/scores/parrot/quiz/no_context.json").unlink()
    said = looked(project, "status").stdout
    assert "missing  parrot/quiz/no_context" in said
    assert "stale    parrot/quiz/retriever_context" in said


def test_the_journal_loses_only_what_is_old_and_unused(project):
    """What a result came from is never pruned, whatever its age; another file is once it is old."""
    journal = project.folder / "resources/journal"
    used = list(journal.glob("*/*.jsonl"))
    other = journal / "00ff" / "1-a.jsonl"
    other.parent.mkdir()
    other.write_text('{"digest": "00", "text": ""}\n')
    assert "unused: 1 completions in 1 files" in project.snakemake("-c1", "journal").stderr
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
    assert not (project.folder / "results/tiny").exists()
    before = sorted((project.folder / "resources/journal").glob("*/*.jsonl"))
    project.run()
    assert (project.folder / "results/tiny/report/report.html").exists()
    assert sorted((project.folder / "resources/journal").glob("*/*.jsonl")) == before


def test_explain_says_why_a_file_would_be_made_again_and_makes_nothing(project):
    """`make explain FILE=…` names each job with its reason, the first cause first."""
    path = "results/tiny/report/comparison.csv"
    assert "nothing would run" in looked(project, "explain", file=path).stdout
    project.edit(modes={"retriever_context": {"passages": 1}})
    before = (project.folder / path).stat().st_mtime_ns
    said = looked(project, "explain", file=path).stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "build_prompts/quiz/retriever_context",
        "generate_answers/parrot",
        "score_answers/parrot",
        "report_comparison",
    ]
    assert "Params have changed" in said[0] and "'passages': 1" in said[0]
    assert (project.folder / path).stat().st_mtime_ns == before
    done = looked(project, "explain", file="nope.csv", check=False)
    assert done.returncode and "nope.csv" in done.stderr and not done.stdout


def test_status_goes_by_what_is_set_for_this_once(project):
    """What --config says counts, and a mistake in it is told by its key."""
    edit = ["--config", "modes={retriever_context: {passages: 1}}"]
    assert "3 stale" in looked(project, "status", *edit).stdout
    done = looked(
        project, "status", "--config", "modes={retriever_context: {pasages: 1}}", check=False
    )
    assert done.returncode and "pasages: unknown key; did you mean 'passages'?" in done.stderr


def test_status_works_from_another_folder(project):
    """With --directory, files of the command line are found where it was typed."""
    command = [sys.executable, "-m", "slmrag.dag.status", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", "project", "--configfile", "project/config.yaml"]
    done = subprocess.run(
        command,
        cwd=project.folder.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow/scripts")},
        capture_output=True,
        text=True,
    )
    assert "3 done" in done.stdout, done.stderr
    assert "results/tiny: 0 B" not in done.stdout


def test_status_of_a_run_at_work(tmp_path):
    """Beside a run, whose folder is locked, the model's cells count as running."""
    slow = {"parrot": {"options": {"delay": 10.0}}}
    project = make_project(tmp_path / "project", models=slow)
    command = project.command("--cores", "2", "--", "answers")
    with open(tmp_path / "log", "w") as said:
        run = subprocess.Popen(
            command, cwd=project.folder, stdout=said, stderr=said, start_new_session=True
        )
    wait(lambda: completions(project) or run.poll() is not None, "no answer")
    assert "3 running" in looked(project, "status").stdout
    os.killpg(run.pid, signal.SIGINT)
    run.wait(60)


def test_nothing_is_needed_to_look_after_an_empty_folder(tmp_path):
    """Each of these commands ends well where nothing was ever run, and takes no resource away."""
    project = make_project(tmp_path / "empty")
    kept = project.folder / "resources/raw/mine"
    kept.mkdir(parents=True)
    said = {target: project.snakemake("-c1", target).stderr for target in sorted(MAINTENANCE_RULES)}
    assert "quiz: 0.140 with 100, 0.081 with 300" in said["power"]
    assert not (project.folder / "results").exists()
    assert kept.is_dir()
    assert (project.folder / "data/passages.tsv").exists()


def test_status_of_what_never_ran_writes_nothing(tmp_path):
    """All cells are missing, and no folder is made but Snakemake's own."""
    project = make_project(tmp_path / "empty")
    before = set(project.folder.rglob("*"))
    said = looked(project, "status").stdout
    assert "0 done, 0 running, 0 stale, 3 missing" in said
    assert "results/tiny: 0 B" in said
    made = set(project.folder.rglob("*")) - before
    assert all(".snakemake" in path.parts for path in made)
