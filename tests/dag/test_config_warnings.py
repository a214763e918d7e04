"""What a config hardly means is told by name, and a usual config gets no word."""

import pytest
from slmrag.config.load import load
from slmrag.config.yaml_files import merge_cli_config
from slmrag.dag.config_warnings import config_warnings

from tests.config.test_load import MINIMAL, edited
from tests.workflow.project import ROOT

TINY = MINIMAL["models"]["tiny"]
BM25 = {"context": "retriever", "prompt": "p.jinja", "retriever": "bm25"}


def told(*edits):
    """Return what is told of the minimal config with edits."""
    return list(config_warnings(load(edited(*edits)), str(ROOT)))


@pytest.mark.parametrize(
    "path", ["config/config.yaml", "config/demo.yaml", "config/reference.yaml"]
)
def test_the_shipped_configs_hold_nothing_odd(path):
    """A warning that always comes is read by nobody."""
    assert list(config_warnings(load(merge_cli_config([ROOT / path], [])), str(ROOT))) == []


@pytest.mark.parametrize(
    ("model", "sampling", "tokens"),
    [
        ({"thinking": True}, {}, 64),
        ({"thinking": True, "max_tokens": 512}, {"max_tokens": 8192}, 512),
        ({"thinking": True}, {"max_tokens": 4095}, 4095),
        ({"thinking": True}, {"max_tokens": 4096}, None),
        ({"thinking": True, "max_tokens": 32768}, {}, None),
        ({"chat_template_kwargs": {"thinking": True}}, {}, 64),
        ({"reasoning": "exaone"}, {}, 64),
        ({"reasoning": "none"}, {}, None),
        ({"thinking": False}, {}, None),
        ({}, {}, None),
    ],
)
def test_reasoning_without_room_is_told(model, sampling, tokens):
    """The tokens that the model has, its own or those of all, and those that it should have."""
    found = told(("models/tiny", TINY | model), ("sampling", sampling))
    assert len(found) == (tokens is not None)
    assert all(f"at max_tokens {tokens}," in one and "to 4096 or more" in one for one in found)


def test_a_judge_that_reasons_has_eight_tokens():
    """A judge does not take sampling's limit."""
    judge = {"model": {"engine": "echo", "thinking": True}, "datasets": ["quiz"]}
    (found,) = told(("judge", judge), ("sampling", {"max_tokens": 9000}))
    assert found.startswith("judge.model.thinking: reasoning is cut off at max_tokens 8,")


@pytest.mark.parametrize(
    ("path", "entry", "other"),
    [
        ("models/twin", TINY, "models.tiny"),
        ("models/twin", TINY | {"gpus": 2, "max_num_seqs": 8}, "models.tiny"),
        ("models/twin", TINY | {"engine": "vllm", "temperature": 0.0}, "models.tiny"),
        ("models/twin", TINY | {"temperature": 0.5}, None),
        ("models/twin", TINY | {"chat_template": "none"}, None),
        ("datasets/twin", MINIMAL["datasets"]["quiz"], "datasets.quiz"),
        ("datasets/twin", MINIMAL["datasets"]["quiz"] | {"limit": 5}, None),
        ("retrievers/twin", {"kind": "rank_bm25", "depth": 10}, "retrievers.bm25"),
        ("retrievers/twin", {"kind": "rank_bm25", "depth": 11}, None),
        ("corpora/twin", MINIMAL["corpora"]["facts"], "corpora.facts"),
        ("modes/twin", BM25 | {"passages": 5}, "modes.bm25_context"),
        ("modes/twin", BM25 | {"passages": 4}, None),
        ("modes/twin", {"context": "none", "prompt": "p.jinja"}, "modes.no_context"),
        ("modes/twin", {"context": "none", "prompt": "q.jinja"}, "modes.no_context"),
        ("modes/twin", {"context": "none", "prompt": "r.jinja"}, None),
    ],
)
def test_an_entry_that_equals_another_is_told(tmp_path, monkeypatch, path, entry, other):
    """Equal is what comes to the same: defaults, hardware, a template's path count for nothing."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "p": "{{ question }}",
        "q": "{{ question }}",
        "r": "Q: {{ question }}",
    }.items():
        (tmp_path / f"{name}.jinja").write_text(text)
    found = told((path, entry))
    assert len(found) == (other is not None)
    assert all(one.startswith(f"{path.replace('/', '.')}: the same as {other} in") for one in found)


def test_two_names_of_one_file_are_the_same_data_set():
    """Objects are compared by what they hold, not by their names."""
    copy = {"object": "again", "format": "dpr", "corpus": "facts"}
    found = told(("objects/again", {"uri": "questions.jsonl"}), ("datasets/twin", copy))
    assert found[0].startswith("datasets.twin: the same as datasets.quiz")
