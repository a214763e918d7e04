"""The workflow as a module of another: planned, run, and run again where an entry changes."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.workflow.project import ECHO, ROOT, Project, make_project

pytestmark = pytest.mark.slow

TRIGGERS = ["--rerun-triggers", "mtime", "params", "input", "software-env"]
SNAKEFILE = """\
configfile: "config.yaml"

module slm:
    snakefile: "{snakefile}"
    config: {config}
{prefix}
use rule * from slm{name}

onstart:
    slm.onstart()
"""


def made(folder, snakefile="Snakefile", config="config", prefix="", name="") -> Project:
    """Write a workflow that uses ours."""
    project = make_project(folder, models={"parrot": ECHO, "mynah": ECHO})
    text = SNAKEFILE.format(
        snakefile=ROOT / snakefile,
        config=config,
        name=name,
        prefix=prefix and f"    prefix: '{prefix}'",
    )
    (folder / "Snakefile").write_text(text)
    return project


def snakemake(project: Project, *arguments: str) -> str:
    """Return what Snakemake says in the folder of the workflow, or fail with it."""
    command = [sys.executable, "-m", "snakemake", *arguments, *TRIGGERS]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_module_runs_and_reruns_what_changed(tmp_path):
    """All is made where it always is; then nothing is to be done, then one model's answers."""
    project = made(tmp_path / "p")
    snakemake(project, "--cores", "2")
    assert (project.folder / "results/tiny/report/report.html").exists()
    assert [*project.folder.glob("results/tiny/jobs/workflow/*")]
    assert "Nothing to be done" in snakemake(project, "-n")
    project.edit(models={"mynah": {"options": {"answer": "Paris"}}})
    counts = {*re.findall(r"^(\w+) +(\d+)$", snakemake(project, "-n"), re.MULTILINE)}
    remade = ("generate_answers", "score_answers", "report_comparison", "all")
    assert counts == {*((rule, "1") for rule in remade), ("total", "4")}


def test_a_module_with_a_prefix_and_names_of_its_own_leaves_all_below_it(tmp_path):
    """Report, events and the journal lie below the prefix; local data and templates do not."""
    project = made(tmp_path / "p", "workflow/Snakefile", "config['qa']", "qa", " as slm_*")
    (project.folder / "judge.jinja").write_text("{{ messages[0].content }}")
    judge = {"model": {**ECHO, "chat_template": "judge.jinja"}, "datasets": ["quiz"]}
    config = {**project.config, "judge": judge}
    (project.folder / "config.yaml").write_text(yaml.safe_dump({"mine": 1, "qa": config}))
    snakemake(project, "--cores", "2")
    assert [*project.folder.glob("qa/results/tiny/grades/parrot/quiz/*.json")]
    assert (project.folder / "qa/results/tiny/report/report.html").exists()
    assert [*project.folder.glob("qa/results/tiny/jobs/slm_generate_answers/parrot/events.jsonl")]
    assert [*project.folder.glob("qa/resources/journal/*/*.jsonl")]
    assert not (project.folder / "results").exists()
    assert not (project.folder / "resources").exists()


@pytest.mark.parametrize("name", ["1.50", "010", "no", "2024-01-02"])
def test_a_name_that_snakemake_took_for_more_is_to_be_quoted(tmp_path, name):
    """What was typed is gone when a module gets its config: it is refused, not guessed."""
    from slmrag.config.yaml_scalars import require_text_keys
    from slmrag.errors import UserError

    with pytest.raises(UserError, match=r"models: .* quote it"):
        require_text_keys(yaml.safe_load(f"models: {{{name}: {{engine: echo}}}}"))
