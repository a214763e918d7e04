"""Two experiments are compared where their questions agree."""

from types import SimpleNamespace

import compare_experiments
import polars as pl
import pytest
import report_comparison
from slmrag.errors import UserError

from tests.report.made_up import METRICS, MadeUp


def make(folder, name, questions=30, **entries):
    """Write an experiment and its report under its own name."""
    made = MadeUp(folder / name, models=("tiny",), questions=questions)
    params = made.params
    params.models["tiny"] |= entries
    report_comparison.main(made.input, made.output, params)
    (folder / "results").mkdir(exist_ok=True)
    return made.results.rename(folder / "results" / name)


def compare(folder, now, before):
    """Return the page of two experiments."""
    html = [path / "report/report.html" for path in (now, before)]
    output = SimpleNamespace(page=folder / "against.md")
    input = SimpleNamespace(now=html[0], before=html[1])
    compare_experiments.main(input, output, SimpleNamespace(metrics=METRICS))
    return output.page.read_text()


def test_equal_experiments_have_no_difference(tmp_path):
    """The same answers give effects of zero, and no change in the config."""
    page = compare(tmp_path, make(tmp_path, "new"), make(tmp_path, "old"))
    assert "Every entry is the same." in page
    assert page.count("no difference shown") == 3 and page.count("| 0.000 |") == 3


def test_changed_entries_and_numbers_are_named(tmp_path):
    """A changed entry stands beside its old value, and a cell that got worse says so."""
    old, new = make(tmp_path, "old"), make(tmp_path, "new", engine="vllm")
    path = new / "scores/tiny/facts/oracle_context.parquet"
    pl.read_parquet(path).with_columns(token_recall=pl.lit(0.0)).write_parquet(path)
    page = compare(tmp_path, new, old)
    assert '"engine": "echo"' in page and '"engine": "vllm"' in page
    assert "before is better" in page


def test_fewer_questions_are_paired_where_they_agree(tmp_path):
    """Only the questions that both answered count."""
    page = compare(tmp_path, make(tmp_path, "new", 10), make(tmp_path, "old", 30))
    assert "| tiny/facts/no_context | 10 |" in page


def test_other_questions_are_never_paired(tmp_path):
    """Where no question is in both, each cell says so, and nothing is tested."""
    new, old = make(tmp_path, "new"), make(tmp_path, "old")
    for path in (old / "scores").rglob("*.parquet"):
        rows = pl.read_parquet(path)
        rows.with_columns(question_id="old-" + pl.col("question_id")).write_parquet(path)
    page = compare(tmp_path, new, old)
    assert page.count("no question in common") == 3 and "is better" not in page


def test_cells_of_one_experiment_alone_are_listed(tmp_path):
    """A model that only one experiment has is named, not compared."""
    new, old = make(tmp_path, "new"), make(tmp_path, "old")
    path = old / "report/comparison.parquet"
    pl.read_parquet(path).with_columns(model=pl.lit("older")).write_parquet(path)
    page = compare(tmp_path, new, old)
    assert "Only in new: tiny/facts/no_context" in page
    assert "Only in old: older/facts/no_context" in page


def test_an_experiment_without_report_is_named(tmp_path):
    """An experiment that was never made is refused in one sentence."""
    with pytest.raises(UserError, match=r"there is no comparison\.parquet"):
        compare(tmp_path, make(tmp_path, "new"), tmp_path / "results/absent")
