"""Published scores: held against what is comparable, and against nothing else."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import check_reference
import pytest
import yaml
from slmrag.errors import UserError
from slmrag.files import read_json, write_json
from slmrag.retrieval.published_scores import verdicts

DATA = Path(__file__).parents[2] / "workflow/reference/retrieval.yaml"
PUBLISHED = [
    {
        "run": "nq/bm25",
        "source": "someone",
        "conditions": {"passages": 100, "kind": "lucene", "k1": 0.9},
        "scores": {"has_answer@5": 44.82},
    }
]


def metrics(mean: float, passages: int = 100, **entry: Any) -> dict[str, Any]:
    """Return what retrieve_passages writes of a run."""
    return {
        "passages": passages,
        "retriever": {"kind": "lucene", **entry},
        "metrics": {"has_answer@5": {"mean": mean}},
    }


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (metrics(0.448199), "ok"),
        (metrics(0.4483), "differs"),
        (metrics(0.4482, k1=1.2), "not comparable: k1 is 1.2"),
        (metrics(0.4482, passages=7), "not comparable: passages is 7"),
    ],
)
def test_verdicts(found: dict[str, Any], verdict: str) -> None:
    """A score counts only under its own conditions, and to the decimals it was published with."""
    assert [row["verdict"] for row in verdicts(PUBLISHED, {"nq/bm25": found})] == [verdict]


def test_a_run_that_is_not_there() -> None:
    """A published score without a run is named and is no failure."""
    assert [row["verdict"] for row in verdicts(PUBLISHED, {})] == ["not run"]


def test_too_shallow() -> None:
    """A metric deeper than the run says what to do."""
    shallow = metrics(0.4) | {"metrics": {}}
    assert "depth" in verdicts(PUBLISHED, {"nq/bm25": shallow})[0]["verdict"]


def test_a_metric_that_is_null() -> None:
    """A metric that could not be known is not measured, and the verdict says why."""
    found = metrics(0.4)
    found["metrics"]["has_answer@5"] = {"mean": None, "reason": "no gold"}
    assert verdicts(PUBLISHED, {"nq/bm25": found})[0]["verdict"] == "not measured: no gold"


def check(folder: Path, mean: float, passages: int = 100) -> Path:
    """Run check_reference on one run."""
    (folder / "reference.yaml").write_text(yaml.safe_dump(PUBLISHED))
    write_json(metrics(mean, passages), folder / "metrics.json")
    check_reference.main(
        SimpleNamespace(reference=folder / "reference.yaml", metrics=[folder / "metrics.json"]),
        SimpleNamespace(verdicts=folder / "verdicts.json"),
        SimpleNamespace(runs=["nq/bm25"]),
    )
    return folder / "verdicts.json"


def test_equal_scores_are_written(tmp_path: Path) -> None:
    """Where all scores agree, the verdicts are a file."""
    assert read_json(check(tmp_path, 0.4482))[0]["verdict"] == "ok"


def test_a_difference_is_an_error(tmp_path: Path) -> None:
    """Where a score differs, the job fails by its name and leaves no file."""
    with pytest.raises(UserError, match=r"nq/bm25 has_answer@5"):
        check(tmp_path, 0.5)
    assert not (tmp_path / "verdicts.json").exists()


def test_nothing_to_compare(tmp_path: Path) -> None:
    """Where no run is like a published one, the job does not pretend to have checked any."""
    with pytest.raises(UserError, match="nothing was checked"):
        check(tmp_path, 0.4482, passages=7)


def test_the_shipped_scores_are_well_formed() -> None:
    """Each published score has its run, source, conditions and percentages."""
    for entry in yaml.safe_load(DATA.read_text()):
        assert set(entry) == {"run", "source", "conditions", "scores"}
        assert all(0 < score < 100 for score in entry["scores"].values())
