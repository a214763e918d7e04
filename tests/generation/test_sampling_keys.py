"""Sampling is what the config asks for, whatever the checkpoint's generation_config.json says."""

import json
import shutil
from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest
from slmrag.config.sampling import Sampling
from slmrag.generation.cache_key import cache_key
from slmrag.generation.generation_job import GenerationJob

from tests.generation.conftest import job_spec, write_prompts
from tests.models.tiny_model import manifest

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

NASTY = [
    {"repetition_penalty": 1.3},
    {"suppress_tokens": list(range(5, 200))},
    {"num_beams": 2},
    {"no_repeat_ngram_size": 1},
]


@pytest.fixture
def answers(tiny, tmp_path):
    """Return the answers of 6 prompts by a checkpoint with this generation_config.json."""
    tables = [write_prompts(tmp_path / "a.parquet", 6)]

    def run(name, wishes, **entry):
        folder = shutil.copytree(tiny, tmp_path / name / "model")
        file = folder / "generation_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **wishes}))
        manifest(folder)
        spec = job_spec(tmp_path / name, tables, folder, "out", engine="transformers", **entry)
        parts = (SimpleNamespace(**spec[key]) for key in ("input", "output", "params"))
        generate_answers.main(*parts)
        return pl.read_parquet(spec["output"]["answers"][0])["raw_answer"].to_list()

    return run


def test_what_nobody_asked_for_is_not_applied(answers):
    """A checkpoint's penalties, beams and suppressed tokens leave greedy answers as they are."""
    plain = answers("plain", {})
    for at, wishes in enumerate(NASTY):
        assert answers(f"nasty{at}", wishes) == plain


def test_a_repetition_penalty_that_is_asked_for_is_applied(answers):
    """The same key in the model's entry changes the answers."""
    assert answers("asked", {}, repetition_penalty=1.3) != answers("plain", {})


@pytest.mark.parametrize(("wishes", "marked"), [({}, False), ({"num_beams": 1}, False)])
def test_a_neutral_checkpoint_keeps_its_journal(tiny, tmp_path, wishes, marked):
    """Only a checkpoint whose file asked for something has a cache key of its own."""
    assert ("generation_config" in _key(tiny, tmp_path, wishes)) is marked


@pytest.mark.parametrize("wishes", NASTY)
def test_answers_of_old_with_such_wishes_are_not_believed(tiny, tmp_path, wishes):
    """The cache key changes where older answers may have been drawn by the checkpoint's wishes."""
    assert "generation_config" in _key(tiny, tmp_path, wishes)


@pytest.mark.parametrize(
    ("eos", "own", "marked"),
    [
        ("</s>", 2, False),
        ("</s>", [1, 2], False),
        ("<|im_end|>", 2, True),
        ("</s>", None, True),
        ("</s>", [2, 300], True),
    ],
)
def test_another_end_is_another_key(tiny, tmp_path, eos, own, marked):
    """Where the tokenizer's eos token is none of the ends, or an end is no special token."""
    folder = shutil.copytree(tiny, tmp_path / "model")
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token": {"content": eos}}))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": own}))
    entry = {"engine": "transformers", "chat_template": "none"}

    def key(**more):
        return cache_key(GenerationJob(entry | more, Sampling(), {}, folder, manifest(folder)))

    assert ("ends" in key()) is marked and "ends" not in key(engine="vllm")
    (folder / "generation_config.json").unlink()
    assert ("ends" in key()) is (eos != "</s>")  # config.json says 2


def test_answers_end_at_the_tokenizers_token_too():
    """The eos ids of generation_config.json stay first, so that padding is as before."""
    from slmrag.generation.engines.transformers import keep_ids_only
    from transformers import GenerationConfig

    for own, end, ends in [(7, 2, [7, 2]), ([7, 2], 2, [7, 2]), (None, 2, [2]), (None, None, None)]:
        made = keep_ids_only(GenerationConfig(eos_token_id=own, num_beams=3), end)
        assert (made.eos_token_id, made.num_beams) == (ends, GenerationConfig().num_beams)


def _key(tiny, tmp_path, wishes):
    folder = shutil.copytree(tiny, tmp_path / "model")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 2, **wishes}))
    entry = {"engine": "transformers", "chat_template": "none"}
    return cache_key(GenerationJob(entry, Sampling(), {}, folder, manifest(folder)))
