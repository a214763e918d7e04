"""An edit reruns exactly what it can change: the README's table, held row by row."""

import json
import shutil

import pytest

from tests.workflow import reruns
from tests.workflow.conftest import copy_repo
from tests.workflow.project import ECHO, ROOT, Project, asked, make_project

pytestmark = pytest.mark.slow
DENSE = {"kind": "dense", "encoder": "hashing", "depth": 4}
OTHERS = {
    "trivia": [
        ("What is the capital of Peru?", ["Lima"], 1),
        ("What is the capital of Kenya?", ["Nairobi"], 2),
        ("What is the currency of Japan?", ["yen"], 3),
    ],
    "more": [
        ("What is the capital of Norway?", ["Oslo"], 4),
        ("What is the capital of Ghana?", ["Accra"], 5),
    ],
}


DENSE_MODE = {
    "context": "retriever",
    "prompt": "config/prompts/with_context.jinja",
    "retriever": "dense",
    "passages": 3,
}


@pytest.fixture(scope="module", params=["model", "cell"])
def finished(request, tmp_path_factory):
    """A finished run of 2 models x 2 data sets x 4 modes, beside a copy of the repository."""
    return made(tmp_path_factory.mktemp(request.param) / "project", request.param)


def made(folder, batch: str) -> Project:
    """Return a finished run in a folder, with 64 answers that differ in model or prompt."""
    trivia = {"object": "trivia", "format": "dpr", "corpus": "facts"}
    project = make_project(
        folder,
        objects={name: {"uri": f"data/{name}.json"} for name in OTHERS},
        datasets={"trivia": trivia},
        retrievers={"dense": DENSE},
        modes={"dense_context": DENSE_MODE},
        models={"parrot": ECHO, "mynah": {**ECHO, "options": {"answer": "Paris"}}},
        generation={"batch": batch},
    )
    for name, questions in OTHERS.items():
        text = json.dumps([asked(*question) for question in questions])
        (folder / f"data/{name}.json").write_text(text)
    copy_repo(folder / "repo")
    template = (folder / "repo/config/prompts/with_context.jinja").read_text()
    (folder / "repo/config/prompts/other.jinja").write_text(f"Read.\n{template}")
    (folder / "config").symlink_to("repo/config")
    run(project)
    return project


def run(project: Project, *args: str) -> str:
    """Run the copied workflow in the project; return what it said."""
    done = project.run(*args, snakefile=project.folder / "repo/Snakefile")
    return done.stdout + done.stderr


@pytest.mark.parametrize("edit", reruns.table(), ids=lambda edit: edit.what)
def test_an_edit_reruns_what_it_can_change(finished, edit, tmp_path):
    """A dry run after the edit plans the table's files; a run sends the table's prompts."""
    project = Project(tmp_path / "project")
    shutil.copytree(finished.folder, project.folder, symlinks=True)
    edit.apply(project)
    assert reruns.planned(run(project, "-n")) == edit.files(project)
    if "generate_answers" in edit.jobs and isinstance(edit.sent, int):
        before = reruns.completions(project)
        run(project, "--", "answers")
        assert reruns.completions(project) - before == edit.sent


def test_the_readme_has_the_table():
    """The README's table is the one that is tested."""
    assert reruns.markdown() in (ROOT / "README.md").read_text()
