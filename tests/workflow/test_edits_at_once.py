"""Several edits at once: planned is what each of them plans, and one run makes it all right.

``EXAMPLES=40 pytest tests/workflow/test_edits_at_once.py`` tries more of them.
"""

import csv
import os

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings, strategies

from tests.workflow import reruns
from tests.workflow.finished import BATCHES, both, copied, run, unmade
from tests.workflow.project import Project

pytestmark = pytest.mark.slow
PLANNED_ONLY = {"a model's checkpoint", "the dense encoder"}
"""Edits that name a checkpoint which is not there: a run of them cannot end."""
EDITS = {edit.what: edit for edit in reruns.table() if edit.what not in PLANNED_ONLY}
COMPARED = [
    *(f"resources/{kind}" for kind in ("corpora", "datasets", "coverage", "indexes")),
    *(f"results/tiny/{kind}" for kind in ("retrieval", "prompts", "answers", "scores")),
    *(f"results/tiny/report/pairs.{kind}" for kind in ("csv", "parquet")),
]
MEASURED = "generated_tokens"
"""The column of the comparison after which seconds and bytes stand."""
SOME = settings(
    max_examples=int(os.environ.get("EXAMPLES", "1")),
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@SOME
@given(
    batch=strategies.sampled_from(BATCHES),
    names=strategies.lists(
        strategies.sampled_from(list(EDITS)), min_size=2, max_size=3, unique=True
    ),
)
@example(batch="cell", names=["a data set is added", "a mode is added", "a model is added"])
@example(batch="model", names=["one line of the corpus", "BM25's k1", "a model's temperature"])
def test_one_run_takes_up_all_edits(finished, tmp_path_factory, batch, names):
    """The plan is the edits' union; after one run nothing is left, and all is as from scratch.

    Resources of before the edits stay beside those that are used now.
    """
    folder = tmp_path_factory.mktemp("edited")
    project = copied(finished[batch], folder / "project")
    for name in names:
        EDITS[name].apply(project)
    scratch = unmade(project, folder / "scratch")
    scratch.edit(generation={"batch": "model"})
    assert reruns.planned(run(project, "-n")) == wanted(project, names)
    both(run, [project, scratch])
    assert "Nothing to be done" in run(project, "-n")
    found, right = results(project), results(scratch)
    assert {name: found[name] for name in right} == right
    assert all(name.startswith("resources/") for name in found.keys() - right.keys())


def wanted(project: Project, names: list[str]) -> set[str]:
    """Return the files that a plan after some edits should name."""
    tables = [EDITS[name].jobs for name in names]
    jobs = reruns.union(*tables, reruns.new_cells(project.config)) if any(tables) else {}
    return reruns.files(jobs, project.config)


def results(project: Project) -> dict[str, object]:
    """Return all that a run makes and that holds no time of the day and no measure, by path."""
    files = [
        file
        for name in COMPARED
        for file in sorted({project.folder / name, *(project.folder / name).rglob("*")})
        if file.is_file() and file.name != ".snakemake_timestamp"
    ]
    found = {str(file.relative_to(project.folder)): file.read_bytes() for file in files}
    with open(project.folder / "results/tiny/report/comparison.csv", newline="") as table:
        header, *rows = csv.reader(table)
    return found | {"comparison": [row[: header.index(MEASURED)] for row in [header, *rows]]}
