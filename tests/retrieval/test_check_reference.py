"""`snakemake check_reference` on a small corpus, with expected scores made for it."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import ROOT, Project, make_project

CONDITIONS = {"passages": 6, "questions": 5, "kind": "rank_bm25"}


def expect(snakefile: Path, **scores: float) -> None:
    """Write the published scores beside a copy of the workflow."""
    entry = {"run": "quiz/bm25", "source": "us", "conditions": CONDITIONS, "scores": scores}
    path = snakefile.parent / "workflow/reference/retrieval.yaml"
    path.write_text(yaml.safe_dump([entry]))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """Return a tiny project, and the Snakefile of a copy of the workflow."""
    folder = tmp_path_factory.mktemp("reference")
    for name in ("rules", "workflow", "config", "envs"):
        shutil.copytree(ROOT / name, folder / "copy" / name)
    shutil.copy(ROOT / "Snakefile", folder / "copy")
    return make_project(folder / "project"), folder / "copy/Snakefile"


@pytest.mark.slow
def test_scores_that_agree_and_that_do_not(project: tuple[Project, Path]) -> None:
    """Equal scores pass and are written; another score fails by its name, with both numbers."""
    tiny, snakefile = project
    verdicts = "results/tiny/retrieval/reference.json"
    expect(snakefile, **{"has_answer@1": 100.0, "gold_recall@1": 100.0})
    tiny.run("check_reference", snakefile=snakefile)
    found = {row["metric"]: row["verdict"] for row in tiny.read(verdicts)}
    assert found == {"has_answer@1": "ok", "gold_recall@1": "ok"}
    expect(snakefile, **{"has_answer@1": 93.21, "gold_recall@1": 100.0})
    done = tiny.run("check_reference", snakefile=snakefile, check=False)
    said = done.stdout + done.stderr
    assert done.returncode
    assert "quiz/bm25 has_answer@1: published 93.21, measured 100.0: differs" in said
    assert "1 of 2 scores differ from the published ones: quiz/bm25 has_answer@1" in said
    assert not (tiny.folder / verdicts).exists()
