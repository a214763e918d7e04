"""A report is recomputed from its rows, and the first number that was tampered with is named."""

import json
from types import SimpleNamespace

import polars as pl
import pytest
import report_comparison
import verify_report
from slmrag.errors import UserError

from tests.report.made_up import MadeUp


@pytest.fixture
def made(tmp_path):
    """A small experiment with its report."""
    made = MadeUp(tmp_path, models=("tiny",), questions=12)
    report_comparison.main(made.input, made.output, made.params)
    return made


def verify(made, *expected):
    """Verify a report."""
    input = SimpleNamespace(**vars(made.input), html=made.output.html, expected=list(expected))
    return verify_report.main(input, SimpleNamespace(), made.params)


def tamper(path, **columns):
    """Change columns of a table's first row."""
    rows = pl.read_parquet(path)
    first = pl.int_range(pl.len()) == 0
    changes = [pl.when(first).then(pl.lit(v)).otherwise(n).alias(n) for n, v in columns.items()]
    rows.with_columns(changes).write_parquet(path)


def test_a_true_report_is_verified(made):
    """A report that nobody touched is equal to itself recomputed."""
    assert verify(made)["cells"] == 3


def test_a_tampered_score_is_named(made):
    """A score that its answer does not give is named with its file, question and column."""
    tamper(made.path("scores", "tiny", "facts", "oracle_context"), token_recall=0.125)
    with pytest.raises(UserError, match=r"oracle_context.parquet: row 1 \(q0\): token_recall is"):
        verify(made)


def test_a_tampered_answer_is_named(made):
    """An answer file that is not the one that was scored is named."""
    tamper(made.path("answers", "tiny", "facts", "no_context"), answer="number 0")
    with pytest.raises(UserError, match=r"no_context.parquet: SHA-256 is"):
        verify(made)


def test_a_tampered_summary_is_named(made):
    """A mean that the rows do not give is named with its path."""
    path = made.path("scores", "tiny", "facts", "no_context", end="json")
    summary = json.loads(path.read_text())
    summary["f1"]["high"] += 0.001
    path.write_text(json.dumps(summary))
    with pytest.raises(UserError, match=r"no_context\.json: f1: high is"):
        verify(made)


@pytest.mark.parametrize("name", ["csv", "html", "pairs", "markdown", "latex", "analysis"])
def test_a_tampered_file_of_the_report_is_named(made, name):
    """One digit changed in any file of the report is found, with its line."""
    path = getattr(made.output, name)
    text = path.read_text()
    place = text.index("0.", len(text) // 2)
    path.write_text(f"{text[:place]}7{text[place + 1 :]}")
    with pytest.raises(UserError, match=rf"{path.name}, line \d+"):
        verify(made)


def expect(folder, value):
    """Write an expected score."""
    names = {"model": "tiny", "dataset": "facts", "mode": "oracle_context"}
    path = folder / "expected.json"
    row = names | {"metric": "token_recall", "value": value, "tolerance": 0.01}
    path.write_text(json.dumps([row, {**row, "model": "absent"}]))
    return path


def test_expected_scores_are_compared(made, tmp_path):
    """A score within its tolerance passes, one outside is named, an absent cell is passed over."""
    rows = pl.read_parquet(made.output.parquet)
    value = rows.filter(pl.col("mode") == "oracle_context")["token_recall"][0]
    assert verify(made, expect(tmp_path, value + 0.005))["expected"] == 1
    with pytest.raises(UserError, match="tiny/facts/oracle_context: token_recall is"):
        verify(made, expect(tmp_path, value + 0.02))
