"""The grid is a pure function of the config."""

from slmrag.config import load
from slmrag.dag import grid

from tests.config.test_load import MINIMAL, edited


def test_the_grid_is_models_by_datasets_by_modes():
    """One model, one data set and two modes make two rows."""
    rows = grid.rows(load.load(MINIMAL))
    assert rows == [("tiny", "quiz", "no_context"), ("tiny", "quiz", "bm25_context")]


def test_a_skipped_cell_is_not_in_the_grid():
    """A skipped cell is gone, and with it the run that only it read."""
    skipped = load.load(edited(("skip", [{"dataset": "quiz", "mode": "bm25_context"}])))
    assert grid.cells(skipped) == ["quiz/no_context"]
    assert grid.runs(skipped) == grid.corpora(skipped) == []


def test_two_modes_share_one_run():
    """Two modes over one retriever read the same hits."""
    more = {"context": "retriever", "prompt": "p.jinja", "retriever": "bm25", "passages": 1}
    assert grid.runs(load.load(edited(("modes/bm25_one", more)))) == ["quiz/bm25"]


def test_a_pattern_matches_the_names_alone():
    """A dot in a name is a dot, and no names match nothing."""
    assert grid.pattern(["a.b", "c"]) == r"a\.b|c"
    assert grid.pattern([]) == "(?!)"


def test_the_objects_are_those_that_are_read():
    """A corpus counts only where a run searches it."""
    assert grid.objects(load.load(MINIMAL)) == ["questions", "passages"]
    skipped = edited(("skip", [{"dataset": "quiz", "mode": "bm25_context"}]))
    assert grid.objects(load.load(skipped)) == ["questions"]


def test_what_is_fused_or_ranked_anew_is_read_too():
    """Indexes and checkpoints below a run's retriever are the comparison's, others are not."""
    more = {
        "dense": {"kind": "dense", "encoder": "e/", "query_encoder": "q/"},
        "unused": {"kind": "dense", "encoder": "u/"},
        "both": {"kind": "rrf", "of": ["bm25", "dense"]},
        "anew": {"kind": "rerank", "of": "both", "encoder": "r/"},
    }
    mode = {"context": "retriever", "prompt": "p.jinja", "retriever": "anew"}
    edits = [(f"retrievers/{name}", entry) for name, entry in more.items()]
    found = load.load(edited(*edits, ("modes/bm25_context", mode)))
    assert grid.indexes(found) == ["facts/bm25", "facts/dense"]
    assert grid.checkpoints(found) == [
        ("encoder", "anew"),
        ("encoder", "dense"),
        ("query_encoder", "dense"),
    ]
