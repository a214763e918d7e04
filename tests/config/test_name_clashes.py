"""Entries that are named like the files of others are refused when the config is read."""

import pytest
from slmrag.config.load import load
from slmrag.config.name_clashes import case_clashes
from slmrag.errors import UserError

CONFIG = {
    "experiment": "x",
    "objects": {"q": {"uri": "q"}},
    "datasets": {"quiz": {"object": "q", "format": "dpr"}},
    "modes": {"plain": {"context": "none", "prompt": "p"}},
    "models": {"m": {"engine": "echo"}},
}


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("objects", "q.json"),
        ("modes", "plain.parquet"),
        ("models", "m.log"),
        ("datasets", "quiz.tsv"),
        ("models", "other.lock"),
        ("objects", "other.snakemake_timestamp"),
        ("datasets", "attempts"),
        ("datasets", "events.jsonl"),
    ],
)
def test_an_entry_named_like_a_file_is_refused_by_name(table, name):
    """``q`` and ``q.json``, ``m`` and ``m.log``, locks and rests: the sentence names the entry."""
    entry = next(iter(CONFIG[table].values()))
    with pytest.raises(UserError, match=rf"{table}\.{name}: "):
        load({**CONFIG, table: {**CONFIG[table], name: entry}})


def test_an_experiment_is_not_named_like_a_lock():
    """``results/x.lock`` would be taken for the rest of a run."""
    with pytest.raises(UserError, match=r"'x\.tmp' has the suffix of a temporary file"):
        load({**CONFIG, "experiment": "x.tmp"})


@pytest.mark.parametrize("name", ["q2.json", "CON", "nq.v1.0", "q.jsons"])
def test_a_name_with_dots_is_a_name(name):
    """A suffix alone is no clash: only beside the entry whose file it would be."""
    load({**CONFIG, "objects": {**CONFIG["objects"], name: {"uri": "q"}}})


def test_names_that_differ_by_capitals_are_told():
    """On a file system without capital letters they would be one folder."""
    config = load({**CONFIG, "models": {"Qwen": {"engine": "echo"}, "qwen": {"engine": "echo"}}})
    assert next(iter(case_clashes(config))).startswith("models.qwen: differs from 'Qwen'")


def test_the_order_of_keys_in_a_free_table_is_nothing():
    """Options that are typed in another order give the same params, in the same order."""
    one, two = {"b": {"d": 1, "c": [2, 1]}, "a": 0}, {"a": 0, "b": {"c": [2, 1], "d": 1}}
    params = [
        load({**CONFIG, "models": {"m": {"engine": "echo", "options": options}}})
        .models["m"]
        .params()
        for options in (one, two)
    ]
    assert str(params[0]) == str(params[1]) and params[0]["options"]["b"]["c"] == [2, 1]
