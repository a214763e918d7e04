"""Two prompt variants in one experiment: no table keeps one and drops the other."""

import json

import polars as pl
import pytest
import report_comparison

from tests.report import made_up
from tests.report.made_up import MadeUp

SHORT, LONG = "{{ question }}", "Think first.\n{{ question }}"
CONTEXTS = {
    "plain": {"context": "none"},
    "oracle": {"context": "oracle", "passages": 1},
    "found": {"context": "retriever", "passages": 2, "retriever": "bm25"},
}
PROBES = ("passages", "gaps", "contexts")


def analysis(folder, monkeypatch, modes, templates=None, questions=20):
    """Return the tables of the report of an experiment with these modes and their templates."""
    monkeypatch.setattr(made_up, "MODES", modes)
    chances = {m: 0.2 + 0.6 * i / len(modes) for i, m in enumerate(modes)}
    monkeypatch.setattr(made_up, "CHANCES", chances)
    monkeypatch.setattr(MadeUp, "shown", shown)
    made = MadeUp(folder, models=("tiny",), questions=questions)
    for path in made.input.prompts:
        text = (templates or {}).get(path.stem, SHORT)
        rows = pl.read_parquet(path).with_columns(template=pl.lit(text))
        if modes[path.stem]["context"] == "none":
            rows = rows.with_columns(has_answer=pl.lit(None, dtype=pl.Boolean))
        rows.write_parquet(path)
        made.score("tiny", "facts", path.stem)
    report_comparison.main(made.input, made.output, made.params)
    means = pl.read_parquet(made.output.parquet)
    recall = dict(zip(means["mode"], means["token_recall"], strict=True))
    return json.loads(made.output.analysis.read_text()), recall, made


def shown(self, mode, i):
    """The passages of question i: none, or one that names its number or another."""
    context = made_up.MODES[mode]["context"]
    return [] if context == "none" else [self.passage(i, context == "oracle" or i % 3 != 0)]


def variants(*names):
    """Return the three modes for each of several variants, and each mode's name of variant."""
    modes = {f"{m}_{v}": {**e, "prompt": f"{v}.jinja"} for v in names for m, e in CONTEXTS.items()}
    return modes, {mode: mode.rpartition("_")[2] for mode in modes}


def test_each_variant_is_held_against_its_own(tmp_path, monkeypatch):
    """Modes of one template are compared with one another, and each has its rows."""
    modes, of = variants("short", "long")
    texts = {mode: LONG if of[mode] == "long" else SHORT for mode in modes}
    tables, recall, _ = analysis(tmp_path, monkeypatch, modes, texts)
    assert [row["variant"].split(" ")[0] for row in tables["passages"]] == [
        "short.jinja",
        "long.jinja",
    ]
    for row, name in zip(tables["passages"], ("short", "long"), strict=True):
        assert row["passages_2"] == recall[f"found_{name}"]
        assert (row["base"], row["passages_0"]) == (f"plain_{name}", recall[f"plain_{name}"])
    ends = [(row["mode"], row["none_mode"], row["oracle_mode"]) for row in tables["gaps"]]
    assert ends == [(f"found_{v}", f"plain_{v}", f"oracle_{v}") for v in ("short", "long")]
    for row in tables["gaps"]:
        assert row["none"] == pytest.approx(recall[row["none_mode"]])
        assert row["oracle"] == pytest.approx(recall[row["oracle_mode"]])
    assert {(row["mode"], row["base"]) for row in tables["contexts"]} == {
        (f"{mode}_{v}", f"plain_{v}") for v in ("short", "long") for mode in ("found", "oracle")
    }


def test_what_is_ambiguous_has_a_row_each(tmp_path, monkeypatch):
    """Where no mode without context has the same template, each that there is has a row."""
    modes, _ = variants("short", "long")
    texts = {mode: f"{mode} {SHORT}" for mode in modes}
    tables, recall, _ = analysis(tmp_path, monkeypatch, modes, texts)
    assert len(tables["gaps"]) == 2 * 2 * 2 and len(tables["contexts"]) == 4 * 2
    assert len(tables["passages"]) == 2 * 2
    for row in tables["passages"]:
        assert row["passages_0"] == recall[row["base"]]


def test_one_mode_of_another_template_serves_all(tmp_path, monkeypatch):
    """The usual three modes have two templates: the one without context is everybody's."""
    modes, _ = variants("usual")
    texts = {mode: SHORT if mode.startswith("plain") else LONG for mode in modes}
    tables, _, _ = analysis(tmp_path, monkeypatch, modes, texts)
    assert [len(tables[name]) for name in PROBES] == [1, 1, 2]


def test_equal_modes_do_not_replace_each_other(tmp_path, monkeypatch):
    """Two modes that are the same but in name have a line each."""
    modes, _ = variants("one")
    tables, recall, _ = analysis(tmp_path, monkeypatch, modes | {"twin": modes["found_one"]})
    shown = [row["passages_2"] for row in tables["passages"]]
    assert shown == [recall["found_one"], recall["twin"]]


def test_two_oracles_are_both_warned_of(tmp_path, monkeypatch):
    """Each oracle mode that does worse than none, or lacks answers, has a caveat by its name."""
    modes, _ = variants("one")
    poor = {**modes["oracle_one"], "passages": 3}
    modes = {
        "oracle_one": modes["oracle_one"],
        "oracle_three": poor,
        "plain_one": modes["plain_one"],
    }
    _, recall, made = analysis(tmp_path, monkeypatch, modes, questions=60)
    page = made.output.html.read_text()
    worse = [m for m in ("oracle_one", "oracle_three") if recall[m] < recall["plain_one"]]
    assert worse
    for mode in worse:
        assert f"scores lower with gold passages ({mode}) than without context (plain_one)" in page


def test_names_of_modes_never_collide_with_columns(tmp_path, monkeypatch):
    """A mode called model, and modes a and a_low, each have their own numbers in the matrix."""
    entry = {"context": "none", "prompt": "p.jinja"}
    names = ("a", "a_low", "a_standing", "model")
    tables, recall, _ = analysis(tmp_path, monkeypatch, dict.fromkeys(names, entry))
    (row,) = tables["matrix-facts"]
    assert row["model"] == "tiny"
    assert {name: row[f"{name}:"] for name in names} == recall


def test_a_poor_oracle_is_named_by_its_mode(tmp_path, monkeypatch):
    """Of two oracle modes the one whose prompts lack the answers is named, in whatever order."""
    monkeypatch.setattr(
        made_up, "MODES", dict.fromkeys(("good", "poor", "fair"), CONTEXTS["oracle"])
    )
    monkeypatch.setattr(made_up, "CHANCES", dict.fromkeys(("good", "poor", "fair"), 0.5))
    monkeypatch.setattr(MadeUp, "shown", shown)
    made = MadeUp(tmp_path, models=("tiny",), questions=10)
    for mode in ("good", "poor", "fair"):
        path = made.results / f"prompts/facts/{mode}.parquet"
        holds = pl.int_range(pl.len()) < (3 if mode == "poor" else 10)
        pl.read_parquet(path).with_columns(has_answer=holds).write_parquet(path)
        made.score("tiny", "facts", mode)
    report_comparison.main(made.input, made.output, made.params)
    page = made.output.html.read_text()
    assert "facts: only 30\u202f% of the prompts of poor contain an answer." in page
    assert "prompts of good" not in page and "prompts of fair" not in page


def test_a_cell_that_is_skipped_is_no_end(tmp_path, monkeypatch):
    """Where a mode's own end has no cell, another is held against it, and named."""
    modes, of = variants("short", "long")
    texts = {mode: LONG if of[mode] == "long" else SHORT for mode in modes}
    monkeypatch.setattr(MadeUp, "cells", property(lambda made: [
        (m, d, mode) for m in made.models for d in made.datasets for mode in modes
        if mode != "plain_long"
    ]))  # fmt: skip
    tables, recall, _ = analysis(tmp_path, monkeypatch, modes, texts)
    bases = {row["variant"].split(" ")[0]: row["base"] for row in tables["passages"]}
    assert bases == {"short.jinja": "plain_short", "long.jinja": "plain_short"}
    assert len(tables["gaps"]) == 2
    assert all(row["none"] == pytest.approx(recall["plain_short"]) for row in tables["gaps"])


def test_classes_of_questions_never_collide_with_columns(tmp_path):
    """Classes called mode and model, and a column called as one of ours, keep all their numbers."""
    made = MadeUp(tmp_path, models=("tiny",), questions=12)
    path = made.input.questions[0]
    kinds = {"kind": ["mode", "model"] * 6, "question word": ["x", "y", "z"] * 4}
    pl.read_parquet(path).with_columns(*(pl.Series(k, v) for k, v in kinds.items())).write_parquet(
        path
    )
    report_comparison.main(made.input, made.output, made.params)
    tables = json.loads(made.output.analysis.read_text())
    slices = {key for name, rows in tables.items() if name.startswith("slices") for key in rows[0]}
    assert {"mode", "model", "mode:", "model:", "x:", "y:", "z:"} <= slices
    assert "Mean by question word (column)" in made.output.html.read_text()
