"""The grid is a pure function of the config."""

from slmrag import config, grid
from test_config import MINIMAL, edited


def test_the_grid_is_models_by_datasets_by_modes():
    """One model, one data set and two modes make two rows."""
    rows = grid.rows(config.load(MINIMAL))
    assert rows == [("tiny", "quiz", "no_context"), ("tiny", "quiz", "bm25_context")]


def test_a_skipped_cell_is_not_in_the_grid():
    """A skipped cell is gone, and with it the run that only it read."""
    skipped = config.load(edited(("skip", [{"dataset": "quiz", "mode": "bm25_context"}])))
    assert grid.cells(skipped) == ["quiz/no_context"]
    assert grid.runs(skipped) == grid.corpora(skipped) == []


def test_two_modes_share_one_run():
    """Two modes over one retriever read the same hits."""
    more = {"context": "retriever", "prompt": "p.jinja", "retriever": "bm25", "passages": 1}
    assert grid.runs(config.load(edited(("modes/bm25_one", more)))) == ["quiz/bm25"]


def test_a_pattern_matches_the_names_alone():
    """A dot in a name is a dot, and no names match nothing."""
    assert grid.pattern(["a.b", "c"]) == r"a\.b|c"
    assert grid.pattern([]) == "(?!)"


def test_the_objects_are_those_that_are_read():
    """A corpus counts only where a run searches it."""
    assert grid.objects(config.load(MINIMAL)) == ["questions", "passages"]
    skipped = edited(("skip", [{"dataset": "quiz", "mode": "bm25_context"}]))
    assert grid.objects(config.load(skipped)) == ["questions"]
