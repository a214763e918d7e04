"""An edit reruns exactly what it can change: the README's table, held row by row."""

import re
import shutil

import pytest

from tests.workflow import reruns
from tests.workflow.conftest import copy_repo
from tests.workflow.project import ECHO, ROOT, Project, make_project

pytestmark = pytest.mark.slow
DENSE = {"kind": "dense", "encoder": "hashing", "depth": 4}


def context_mode(retriever):
    """Return a mode over a retriever."""
    prompt = "config/prompts/with_context.jinja"
    return {"context": "retriever", "prompt": prompt, "retriever": retriever, "passages": 2}


@pytest.fixture(scope="module", params=["model", "cell"])
def finished(request, tmp_path_factory):
    """A finished run of 2 models x 2 data sets x 4 modes, beside a copy of the repository."""
    trivia = {"object": "questions", "format": "dpr", "corpus": "facts", "limit": 3, "seed": 1}
    project = make_project(
        tmp_path_factory.mktemp(request.param) / "project",
        datasets={"trivia": trivia},
        retrievers={"dense": DENSE},
        modes={"dense_context": context_mode("dense")},
        models=dict.fromkeys(reruns.MODELS, ECHO),
        generation={"batch": request.param},
    )
    copy_repo(project.folder / "repo")
    (project.folder / "config").symlink_to("repo/config")
    run(project)
    return project


def run(project: Project, *args: str) -> str:
    """Run the copied workflow in the project; return what it said."""
    done = project.run(*args, snakefile=project.folder / "repo/Snakefile")
    return done.stdout + done.stderr


def planned(said: str) -> dict[str, set[str]]:
    """Return the jobs of a dry run: rule -> wildcard values joined by slashes."""
    jobs: dict[str, set[str]] = {}
    for rule, body in re.findall(r"^(?:local)?rule (\w+):\n((?: {4}.*\n)*)", said, re.MULTILINE):
        values = re.search(r"^    wildcards: (.*)$", body, re.MULTILINE)
        parts = [part.split("=", 1)[1] for part in values[1].split(", ")] if values else []
        jobs.setdefault(rule, set()).add("/".join(parts))
    jobs.pop("all", None)
    return jobs


@pytest.mark.parametrize("edit", reruns.table(), ids=lambda edit: edit.what)
def test_an_edit_reruns_what_it_can_change(finished, edit, tmp_path):
    """The jobs that a dry run plans after the edit are those of the table."""
    project = Project(tmp_path / "project")
    shutil.copytree(finished.folder, project.folder, symlinks=True)
    edit.apply(project)
    batch = finished.config["generation"]["batch"]
    jobs = reruns.per_model(edit.jobs) if batch == "model" else edit.jobs
    expected = {rule: set(names) for rule, names in jobs.items()}
    assert planned(run(project, "-n")) == expected


def test_the_readme_has_the_table():
    """The README's table is the one that is tested."""
    assert reruns.markdown() in (ROOT / "README.md").read_text()
