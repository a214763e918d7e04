"""Any two cells of a data set are tested, in families that are each corrected by themselves."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest
import report_comparison
from slmrag.report.analysis.experiment import read_experiment
from slmrag.report.analysis.pair_tests import pair_effect, pair_table
from slmrag.report.analysis.pairs import (
    FAMILIES,
    MANY_PAIRS,
    MODELS_IN_A_MODE,
    MODES_OF_A_MODEL,
    OTHER_PAIRS,
    Pairs,
)
from slmrag.report.analysis.score_matrix import score_matrices
from slmrag.report.page.formats import format_value, to_probability_steps
from slmrag.report.sections import pair_picker

from tests.report.made_up import MadeUp


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three models in three modes: their matrix, and every test."""
    made = MadeUp(tmp_path_factory.mktemp("made"), models=("tiny", "small", "big"))
    report_comparison.main(made.input, made.output, made.params)
    matrix = score_matrices(read_experiment(made.input, made.params))[0]
    return matrix, pl.read_parquet(made.output.pairs_parquet), made


def test_any_two_cells_have_one_row(made):
    """Nine cells give 36 pairs: 9 of modes, 9 of models, 18 that differ in both."""
    _, rows, made = made
    counts = dict(rows["family"].value_counts().iter_rows())
    assert counts == {MODES_OF_A_MODEL: 9, MODELS_IN_A_MODE: 9, OTHER_PAIRS: 18}
    sides = (("first_model", "first_mode"), ("second_model", "second_mode"))
    found = {tuple(zip(*(rows[side] for side in names), strict=True)) for names in sides}
    assert len(found) == 2
    named = rows.select("first_model", "first_mode", "second_model", "second_mode").rows()
    cells = [(model, mode) for model, _, mode in made.cells]
    assert {frozenset((row[:2], row[2:])) for row in named} == {
        frozenset(pair) for pair in combinations(cells, 2)
    }


def test_gained_and_lost_questions_are_counted(made):
    """The numbers of a pair are those of its scores: right in the one, wrong in the other."""
    _, rows, made = made
    rights = {
        (m, mode): pl.read_parquet(made.path("scores", m, d, mode))["token_match"] == 1
        for m, d, mode in made.cells
    }
    assert rows["gained"].sum() and rows["lost"].sum()
    for row in rows.to_dicts():
        a, b = (rights[row[f"{side}_model"], row[f"{side}_mode"]] for side in ("first", "second"))
        assert (row["gained"], row["lost"]) == ((a & ~b).sum(), (b & ~a).sum())


@pytest.mark.parametrize("metric", ["token_recall", "f1", "exact_match", "match"])
def test_two_columns_alone_have_the_numbers_of_the_table(made, metric):
    """Effect, interval and p value of two columns of scores are those of the pair in the table."""
    matrix, rows, made = made
    suffix = "" if metric == matrix.metric else f"_{metric}"
    names = {f"effect{end}": f"effect{suffix}{end}" for end in ("", "_low", "_high")}
    pair = rows.row(0, named=True)
    found = pair_effect(matrix.scores[metric][:, :2], metric, made.params.metrics)
    assert found == pytest.approx(
        {n: pair[own] for n, own in (names | {"p": f"p{suffix}"}).items()}
    )


def test_one_question_is_not_tested():
    """One question alone has an effect, but neither an interval nor a p value."""
    settings = {"confidence": 0.95, "bootstrap": 100}
    assert pair_effect(np.array([[1.0, 0.25]]), "f1", settings) == {"effect": 0.75}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("metric", ["", "_f1", "_exact_match", "_match"])
def test_each_family_is_corrected_by_itself(made, family, metric):
    """Holm's correction of a metric's p values in one family equals statsmodels'."""
    multitest = pytest.importorskip(
        "statsmodels.stats.multitest", reason="statsmodels is not installed"
    )
    rows = made[1].filter(pl.col("family") == family)
    theirs = multitest.multipletests(rows[f"p{metric}"].to_numpy(), method="holm")[1]
    assert rows[f"p_holm{metric}"].to_list() == pytest.approx(theirs)


@pytest.mark.parametrize("metric", ["token_recall", "f1", "exact_match", "match"])
def test_effects_and_intervals_agree_with_scipy(made, metric):
    """Effect, BCa bounds and detectable effect of a metric's pairs equal those made with scipy."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    matrix, rows, _ = made
    suffix = "" if metric == matrix.metric else f"_{metric}"
    reach = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    places = combinations(range(len(matrix.cells)), 2)
    for (a, b), row in zip(places, rows.to_dicts(), strict=True):
        difference = matrix.scores[metric][:, a] - matrix.scores[metric][:, b]
        assert row[f"effect{suffix}"] == pytest.approx(difference.mean())
        theirs = stats.bootstrap((difference,), np.mean, n_resamples=4000, rng=0)
        ends = [row[f"effect{suffix}_{end}"] for end in ("low", "high")]
        assert ends == pytest.approx(list(theirs.confidence_interval), abs=0.08)
        detectable = reach * difference.std(ddof=1) / len(difference) ** 0.5
        assert row[f"detectable{suffix}"] == pytest.approx(detectable)


def test_cells_that_answer_alike_detect_nothing(made):
    """Equal cells have no detectable effect, in the table, the file and the page."""
    matrix, *_ = made
    same = {
        name: np.repeat(own[:, :1], own.shape[1], axis=1) for name, own in matrix.scores.items()
    }
    alike = replace(matrix, scores=same)
    rows = pair_table(alike)
    assert rows["detectable"].null_count() == rows["detectable_f1"].null_count() == len(rows)
    packed = pair_picker.pack_matrix(alike, rows)["detectable"]
    assert {value for metric in packed for value in metric} == {-1}


def test_among_many_pairs_some_have_students_intervals(made, monkeypatch):
    """Beyond a limit the primary metric's first two families alone are resampled."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    matrix, rows, _ = made
    monkeypatch.setattr("slmrag.report.analysis.pairs.MANY_PAIRS", 5)
    fast = pair_table(matrix)
    main = pl.col("family") != OTHER_PAIRS
    primary = [name for name in rows.columns if "_f1" not in name]
    primary = primary[: primary.index("detectable") + 1]
    assert fast.filter(main).select(primary).equals(rows.filter(main).select(primary))
    places = list(combinations(range(len(matrix.cells)), 2))
    for (a, b), row in zip(places, fast.to_dicts(), strict=True):
        for metric in ["f1", *(["token_recall"] if row["family"] == OTHER_PAIRS else [])]:
            suffix = "" if metric == matrix.metric else f"_{metric}"
            theirs = stats.ttest_1samp(matrix.scores[metric][:, a] - matrix.scores[metric][:, b], 0)
            ends = list(theirs.confidence_interval(0.95))
            mine = [row[f"effect{suffix}_{end}"] for end in ("low", "high")]
            assert mine == pytest.approx(ends)
    assert len(places) < MANY_PAIRS


def test_the_verdict_names_the_better_cell(made):
    """The verdict follows the sign of the effect and the corrected p value."""
    for row in made[1].to_dicts():
        side = "first" if row["effect"] > 0 else "second"
        names = {MODES_OF_A_MODEL: row[f"{side}_mode"], MODELS_IN_A_MODE: row[f"{side}_model"]}
        both = f"{row[f'{side}_model']} with {row[f'{side}_mode']}"
        better = f"{names.get(row['family'], both)} is better"
        expected = better if row["p_holm"] < 0.05 else "no difference shown"
        assert row["verdict"] == expected


def test_the_csv_holds_the_first_two_families(made):
    """pairs.csv has the rows of modes and of models, with what they share beside them."""
    _, rows, made = made
    table = pl.read_csv(made.output.pairs)
    assert table.height == 18 and set(table["family"]) == {MODES_OF_A_MODEL, MODELS_IN_A_MODE}
    assert table["p"].to_list() == rows.filter(pl.col("family") != OTHER_PAIRS)["p"].to_list()


@pytest.mark.parametrize(
    "value", [0.0, 0.0004, 0.00096, 0.0323, 0.04996, 0.05004, 0.00999, 0.0104, 0.05, 0.5, 1.0]
)
def test_the_page_rounds_a_p_value_as_the_tables_do(value):
    """What the page's script makes of a packed p value is what the tables show."""
    steps = int(to_probability_steps(pl.Series([value]))[0])
    shown = "< 0.001" if steps == 0 else f"{steps / 10000:.{4 if steps % 10 else 3}f}"
    assert shown == format_value(value, "probability")


def test_a_matrix_of_too_many_pairs_is_left_to_the_file(made, monkeypatch):
    """Where the pairs do not fit, the page carries none of them."""
    matrix, rows, _ = made
    monkeypatch.setattr(pair_picker, "MAX_PAIRS", 10)
    assert pair_picker.pack_pairs([matrix], [rows], matrix.metric) == ""


def test_economy_is_for_many_pairs_only(made):
    """With few pairs every test has all its flips."""
    matrix, *_ = made
    found = Pairs(matrix, np.array([[0, 1]]), np.array([FAMILIES.index(OTHER_PAIRS)]))
    assert not found.stops_early.any()
