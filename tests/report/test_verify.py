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


def test_a_missing_answer_file_is_named(made):
    """Where the answers of a cell are gone, the cell is named, and not a part of our code."""
    made.path("answers", "tiny", "facts", "no_context").unlink()
    with pytest.raises(UserError, match=r"tiny/facts/no_context: its answers are missing"):
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


def test_a_tampered_config_is_named(made):
    """A saved config that is not that of the entries, or not that of the page, is found."""
    path = made.output.config
    text = path.read_text()
    path.write_text(text.replace("hf:org/tiny", "hf:org/other"))
    with pytest.raises(UserError, match=r"config.yaml: models.tiny.checkpoint is 'hf:org/other'"):
        verify(made)
    path.write_text(text.replace("size: 5", "size: 6"))
    with pytest.raises(UserError, match=r"analysis.json, line \d+"):
        verify(made)


def test_an_index_that_was_edited_is_named(made):
    """An index whose files are not those of its digest is found."""
    folder = made.folder / "resources/indexes/facts/bm25"
    folder.mkdir(parents=True)
    (folder / "index.json").write_text("{}")
    manifest = folder.with_suffix(".json")
    manifest.write_text(json.dumps({"digest": "0" * 64}))
    inputs = made.input
    inputs.index_manifests = [manifest]
    input = SimpleNamespace(**vars(inputs), html=made.output.html)
    with pytest.raises(UserError, match="indexes/facts/bm25: digest is '000"):
        verify_report.main(input, SimpleNamespace(), made.params)


def test_another_machine_does_not_make_a_report_untrue(made, monkeypatch):
    """What is only told (config, commit, libraries) is taken from the report that is verified."""
    monkeypatch.setattr("slmrag.report.analysis.job_records.report_versions", lambda code: [])
    params = made.params
    params.redacted_config["storage"] = {"endpoint_url": "http://other:9000"}
    input = SimpleNamespace(**vars(made.input), html=made.output.html)
    assert verify_report.main(input, SimpleNamespace(), params)["cells"] == 3


def expect(folder, *changes):
    """Write expected scores: a true one with each of the changes."""
    names = {"model": "tiny", "dataset": "facts", "mode": "oracle_context"}
    true = {**names, "metric": "token_recall", "value": 0.75, "tolerance": 0.01}
    path = folder / "expected.json"
    path.write_text(json.dumps([true | change for change in changes]))
    return path


@pytest.fixture
def recall(made):
    """The oracle's token recall."""
    rows = pl.read_parquet(made.output.parquet)
    return rows.filter(pl.col("mode") == "oracle_context")["token_recall"][0]


def test_expected_scores_are_compared(made, tmp_path, recall):
    """A score within its tolerance passes; one of another experiment is passed over."""
    near, other = {"value": recall + 0.005}, {"experiment": "other", "value": 7.0}
    assert verify(made, expect(tmp_path, near, near, other))["expected"] == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": 0.02}, "tiny/facts/oracle_context: token_recall is"),
        ({"model": "absent"}, "absent/facts/oracle_context is expected, but"),
        ({"metric": "rouge"}, "no column 'rouge'"),
        ({"value": "high"}, "entry 1: value is 'high', not a number"),
        ({"mode": "no_context", "metric": "has_answer"}, "has_answer is None"),
    ],
)
def test_what_is_expected_and_not_so_is_named(made, tmp_path, change, words):
    """A score outside its tolerance, an absent cell and a wrong entry are named with the file."""
    with pytest.raises(UserError, match=words) as error:
        verify(made, expect(tmp_path, change))
    assert "expected.json" in str(error.value)


@pytest.mark.parametrize("text", ["{", "{}", '[{"model": "tiny"}]'])
def test_a_file_that_holds_no_expected_scores_is_refused(made, tmp_path, text):
    """Broken JSON, no list and an entry without a value are each one sentence."""
    path = tmp_path / "expected.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"expected\.json"):
        verify(made, path)


def test_alerts_of_later_jobs_do_not_make_a_report_untrue(made):
    """An alert that came after the report changes nothing that verify compares."""
    folder = made.results / "jobs/generate_answers/tiny"
    folder.mkdir(parents=True)
    event = {"time": 0, "kind": "alert", "name": "run_hours", "message": "run time is 9 h"}
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    assert verify(made)["cells"] == 3
