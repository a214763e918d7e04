"""Two experiments are compared where their questions agree."""

import json
from types import SimpleNamespace

import compare_experiments
import polars as pl
import pytest
import report_comparison
from slmrag.errors import UserError
from slmrag.files import read_metadata, write_table
from slmrag.report.compare import cell_effects
from slmrag.scoring.paired_tests import binomial_test

from tests.report.made_up import METRICS, MODES, MadeUp

TINY = {"checkpoint": "hf:org/tiny", "engine": "echo"}
BM25 = {"kind": "rank_bm25", "k1": 0.9}


def make(folder, name, questions=30, told=None, template=None, adapter=None, **entries):
    """Write an experiment and its report under its own name."""
    made = MadeUp(folder / name, models=("tiny",), questions=questions)
    for path in made.input.timings if adapter else ():
        runs = [run | {"adapter": adapter} for run in json.loads(read_metadata(path)["engines"])]
        write_table(pl.read_parquet(path), path, {"engines": json.dumps(runs)})
    for path in made.input.prompts if template else ():
        pl.read_parquet(path).with_columns(template=pl.lit(template)).write_parquet(path)
    params = made.params
    params.models["tiny"] |= entries
    params.redacted_config["models"]["tiny"] |= entries
    params.redacted_config |= {"experiment": name, **(told or {})}
    report_comparison.main(made.input, made.output, params)
    (folder / "results").mkdir(exist_ok=True)
    return made.results.rename(folder / "results" / name)


def older(folder):
    """Turn a report into one that was made before reports held what they are made from."""
    path = folder / "report/analysis.json"
    found = json.loads(path.read_text())
    for table in ("config", "templates", "versions", "contents", "modes"):
        found.pop(table, None)
    modes = {name: {k: v for k, v in m.items() if k != "prompt"} for name, m in MODES.items()}
    modes["no_context"] |= {"passages": 0}
    tables = {"models": {"tiny": TINY}, "modes": modes, "retrievers": {"bm25": BM25}}
    tables |= {"datasets": {"facts": {"object": "facts", "format": "jsonl"}}}
    rows = [(what, name, entry) for what, table in tables.items() for name, entry in table.items()]
    rows += [("metrics", "", METRICS), ("sampling", "", {})]
    found["entries"] = [{"what": w, "name": n, "value": json.dumps(e)} for w, n, e in rows]
    path.write_text(json.dumps(found))
    return folder


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
    assert "No differences: config, templates, code" in page
    assert page.count("no difference shown") == 3 and page.count("| 0.000 |") == 3


def test_changed_entries_and_numbers_are_named(tmp_path):
    """A changed entry stands beside its old value, and a cell that got worse says so."""
    old, new = make(tmp_path, "old"), make(tmp_path, "new", engine="vllm")
    path = new / "scores/tiny/facts/oracle_context.parquet"
    pl.read_parquet(path).with_columns(token_recall=pl.lit(0.0)).write_parquet(path)
    page = compare(tmp_path, new, old)
    assert "| models.tiny engine | echo | vllm |" in page
    assert "before is better" in page


def test_a_binary_metric_has_the_test_of_the_report(tmp_path):
    """A primary metric of 0 and 1 is tested by McNemar's exact test, as within a report."""
    old, new = make(tmp_path, "old"), make(tmp_path, "new")
    path = new / "scores/tiny/facts/oracle_context.parquet"
    scores = pl.read_parquet(path)
    scores.with_columns(match=pl.lit(0.0)).write_parquet(path)
    key, metrics = ("tiny", "facts", "oracle_context"), METRICS | {"primary": "match"}
    (row,) = cell_effects(new, old, [key], metrics)
    assert row["p"] == row["p_holm"] == binomial_test(0, int(scores["match"].sum())) < 0.05


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"corpora": {"facts": {"object": "facts", "format": "text", "chunk": {"size": 7}}}},
         "| corpora.facts chunk.size | 5 | 7 |"),
        ({"corpora": {}}, "| corpora.facts format | text | absent |"),
        ({"generation": {"batch": "cell"}}, "| generation batch | model | cell |"),
        ({"skip": [{"dataset": "facts", "mode": "no_context"}]}, "| skip | absent | [{"),
        ({"storage": {"endpoint_url": "http://other:9000"}}, "| storage endpoint_url | absent"),
        ({"objects": {"facts": {"uri": "7"}}}, '| objects.facts uri | data/facts.jsonl | "7" |'),
        ({"judge": {"datasets": ["facts"]}}, '| judge datasets | absent | ["facts"] |'),
    ],
)  # fmt: skip
def test_every_part_of_the_config_is_compared(tmp_path, told, line):
    """What is changed, added or removed in any table of the config stands before the numbers."""
    page = compare(tmp_path, make(tmp_path, "new", told=told), make(tmp_path, "old"))
    assert line in page and page.index(line) < page.index("## Numbers")
    assert "No differences:" not in page


def test_the_text_of_a_template_is_compared(tmp_path):
    """An edit of a template is named for each mode that uses it, with the lines that changed."""
    new = make(tmp_path, "new", template="In short.\n{{ question }}")
    page = compare(tmp_path, new, make(tmp_path, "old"))
    for mode in MODES:
        assert f"| modes.{mode} template |" in page
    assert f"The template of {', '.join(f'modes.{mode}' for mode in MODES)}:" in page
    assert page.count("    +In short.") == 1


@pytest.mark.parametrize("what", ["code", "report", "engine"])
def test_versions_are_compared(tmp_path, what):
    """Another commit, library or engine is named."""
    new, old = make(tmp_path, "new"), make(tmp_path, "old")
    path = old / "report/analysis.json"
    found = json.loads(path.read_text())
    row = next(row for row in found["versions"] if row["what"] == what)
    row["value"] = "of old"
    path.write_text(json.dumps(found))
    assert f"| {what} {row['name']} | of old |" in compare(tmp_path, new, old)


def test_other_questions_under_one_name_are_named(tmp_path):
    """Questions of another digest are a change, though the config says the same of them."""
    new = make(tmp_path, "new", questions=20)
    assert "| datasets/facts digest |" in compare(tmp_path, new, make(tmp_path, "old"))


def test_an_older_report_says_what_it_does_not_tell(tmp_path):
    """Beside a report that holds less nothing is without differences: what it lacks is named."""
    page = compare(tmp_path, make(tmp_path, "new"), older(make(tmp_path, "old")))
    assert "No differences:" not in page and "No differences in what both reports contain" in page
    assert "Not known for old" in page and "templates; code and library versions" in page


def test_an_older_report_is_compared_in_what_it_tells(tmp_path):
    """A key that an older report held is compared, one that it left out is not."""
    new = make(tmp_path, "new", temperature=0.5, gpus=2)
    page = compare(tmp_path, new, older(make(tmp_path, "old")))
    assert "| models.tiny temperature | absent | 0.5 |" in page and "gpus" not in page
    page = compare(tmp_path, older(new), older(tmp_path / "results/old"))
    assert page.count("Not known for") == 2


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


def test_other_weights_of_an_adapter_are_named(tmp_path):
    """An adapter is its content: the same folder with other weights is a change."""
    new, old = (make(tmp_path, name, adapter=name[0] * 64) for name in ("new", "old"))
    assert f"| models/tiny adapter | {'o' * 64} | {'n' * 64} |" in compare(tmp_path, new, old)


def test_a_reworded_question_is_not_paired(tmp_path):
    """A question of the same id and another wording is left out of the numbers, and counted."""
    new, old = (make(tmp_path, name) for name in ("new", "old"))
    path = new / "prompts/facts/no_context.parquet"
    asked = pl.read_parquet(path)
    first = pl.col("question_id") == asked["question_id"][0]
    other = pl.when(first).then(pl.lit("Who else?")).otherwise("question")
    write_table(asked.with_columns(question=other), path)
    page = compare(tmp_path, new, old)
    assert "| tiny/facts/no_context | 29 |" in page and "| tiny/facts/oracle_context | 30 |" in page
    assert "Left out because their wording changed: tiny/facts/no_context: 1." in page
