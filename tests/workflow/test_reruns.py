"""An edit reruns exactly what it can change: the README's table, held row by row."""

from pathlib import Path

import pytest

from tests.workflow import reruns
from tests.workflow.finished import BATCHES, both, copied, run
from tests.workflow.project import ROOT, Project

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("edit", reruns.table(), ids=lambda edit: edit.what)
def test_an_edit_reruns_what_it_can_change(finished, edit, tmp_path):
    """For each way to cut jobs, a dry run plans the table's files, a run sends its prompts."""
    both(lambda batch: hold(edit, finished[batch], tmp_path / batch / "project"), BATCHES)


def hold(edit: reruns.Edit, finished: Project, folder: Path) -> None:
    """Hold a row of the table to what happens in a copy of a finished run."""
    project = copied(finished, folder)
    edit.apply(project)
    assert reruns.planned(run(project, "-n")) == edit.files(project)
    if "generate_answers" in edit.jobs and isinstance(edit.sent, int):
        before = reruns.completions(project)
        run(project, "--", "answers")
        assert reruns.completions(project) - before == edit.sent


def test_the_readme_has_the_table():
    """The README's table is the one that is tested."""
    assert reruns.markdown() in (ROOT / "README.md").read_text()
