"""What a completion is kept under never changes by a byte: an old journal is believed."""

import json
from types import SimpleNamespace

import pytest
from slmrag.config.models import JudgeEntry, ModelEntry, SamplingEntry
from slmrag.files import digest
from slmrag.generation.cache_key import cache_key
from slmrag.generation.engines import ENGINES, engine
from slmrag.generation.generation_job import GenerationJob

TURN = "{% for m in messages %}<u>{{ m.content }}{% endfor %}<a>"
QWEN = TURN + "{% if not enable_thinking %}<think>\n\n</think>{% endif %}"
GRANITE = "{% if thinking %}Here is my thought process: {% endif %}" + TURN
HERE = {"checkpoint": "models/tiny"}
LOADED = {"engine": "transformers", **HERE}
REMOTE = {"engine": "openai", "endpoint": "http://localhost:1/v1", "served_name": "tiny"}
ECHO = {"engine": "echo"}
DRAWN = {"temperature": 0.6, "top_p": 0.95, "seed": 7}
KEYS = {
    "top_k": 20, "min_p": 0.1, "repetition_penalty": 1.1, "presence_penalty": 1.5,
    "frequency_penalty": 0.5, "min_tokens": 2,
}  # fmt: skip
LOADABLE = {key: KEYS[key] for key in ("top_k", "min_p", "repetition_penalty", "min_tokens")}
EXTRA = {"extra_body": {"chat_template_kwargs": {"enable_thinking": True}, "guided": "x"}}
TAGS = {"begin": "[R]", "end": "[/R]"}

# By name: a model's entry, the table sampling or whose, the checkpoint's files, digits of the key.
CASES = {
    "echo": (ECHO, {}, {}, "89287c91c7a6"),
    "echo, common sampling": (ECHO, {"max_tokens": 16, "stop": ["\n"]}, {}, "b811c8efe16e"),
    "echo, own sampling": (
        {**ECHO, "max_tokens": 3, "temperature": 0.7, "seed": 4},
        {"seed": 9},
        {},
        "167644775292",
    ),
    "echo, delay is speed": (
        {**ECHO, "options": {"delay": 0.1, "answer": "x"}},
        {},
        {},
        "3516b85ef748",
    ),
    "echo, reasons": (
        {**ECHO, "options": {"answer": "<think>a</think>b"}},
        {"stop": ["Q"]},
        {},
        "270f2f7982a7",
    ),
    "vllm": (HERE, {}, {}, "4cc48424b053"),
    "vllm, drawn": (HERE, {**DRAWN, "max_tokens": 64}, {}, "f8212494ab14"),
    "vllm, common keys": (HERE, KEYS, {}, "8a83f15f6b53"),
    "vllm, common keys, drawn": (HERE, {**KEYS, **DRAWN}, {}, "b3297da17a05"),
    "vllm, own keys, drawn": (
        {**HERE, **KEYS, **DRAWN},
        {"temperature": 0.1, "top_k": 5},
        {},
        "b3297da17a05",
    ),
    "vllm, neutral keys": (
        {**HERE, "top_k": 0, "min_p": 0, "repetition_penalty": 1},
        DRAWN,
        {},
        "fbf2b363d67b",
    ),
    "vllm, chat": (HERE, {"stop": ["\n"]}, {"chat_template.jinja": TURN}, "654dab550647"),
    "vllm, no chat": (
        {**HERE, "chat_template": "none"},
        {},
        {"chat_template.jinja": TURN},
        "4cc48424b053",
    ),
    "vllm, thinks": (
        {**HERE, "thinking": True},
        {"stop": ["Q"]},
        {"chat_template.jinja": QWEN},
        "091c6e8e9f0b",
    ),
    "vllm, thinks not": (
        {**HERE, "thinking": False},
        {},
        {"chat_template.jinja": QWEN},
        "1bd63d46e053",
    ),
    "vllm, arguments": (
        {**HERE, "chat_template_kwargs": {"thinking": True}},
        {"stop": ["Q"]},
        {"chat_template.jinja": GRANITE},
        "5dce8c1bbcf9",
    ),
    "vllm, reasoning by name": (
        {**HERE, "reasoning": "think"},
        {"stop": ["Q"]},
        {},
        "4cc48424b053",
    ),
    "vllm, reasoning by tags": ({**HERE, "reasoning": TAGS}, {"stop": ["Q"]}, {}, "4cc48424b053"),
    "vllm, tags are tokens": (
        HERE,
        {},
        {"special": ["<s>", "</s>", "[THINK]", "[/THINK]"]},
        "989ec79e6723",
    ),
    "vllm, hardware": (
        {**HERE, "gpus": 2, "max_num_seqs": 4, "tensor_parallel": 2, "mem_mb": 1, "runtime": 1},
        {},
        {},
        "4cc48424b053",
    ),
    "vllm, speed and options": (
        {**HERE, "options": {"kv_cache_memory_bytes": 1, "batch_invariant": True, "a": [1]}},
        {},
        {},
        "2ab900f6ea8c",
    ),
    "vllm, options of sampling": (
        {**HERE, "options": {"top_k": 3, "temperature": 0.5}},
        {},
        {},
        "52db4eb8d957",
    ),
    "vllm, bits": ({**HERE, "load_in_8bit": True, "dtype": "bfloat16"}, {}, {}, "3ad2c0696ab6"),
    "vllm, quantization": (
        {**HERE, "quantization": "fp8", "max_model_len": 32},
        {"max_tokens": 8},
        {},
        "09da7151f2ad",
    ),
    "vllm, adapter": ({**HERE, "adapter": "lora"}, {}, {}, "a72594e6cddd"),
    "vllm, revision": ({**HERE, "revision": "abc", "allow_pickle": True}, {}, {}, "47d27cdfb7d3"),
    "transformers": (LOADED, {}, {}, "807cf827232c"),
    "transformers, drawn": ({**LOADED, **LOADABLE}, DRAWN, {}, "8b6476de0696"),
    "transformers, wishes": (
        LOADED,
        {},
        {"generation_config.json": {"repetition_penalty": 1.3}},
        "d962f6c15650",
    ),
    "transformers, another end": (
        LOADED,
        {},
        {"tokenizer_config.json": {"eos_token": "<s>"}},
        "53c6f29af784",
    ),
    "transformers, invariant": (
        {**LOADED, "options": {"batch_invariant": True}},
        {},
        {},
        "aeee805de245",
    ),
    "transformers, adapter": (
        {**LOADED, "adapter": "lora", "dtype": "float32"},
        {},
        {},
        "2d8db5d63105",
    ),
    "openai": (REMOTE, {}, {}, "6c04a6fec2a0"),
    "openai, keys": ({**REMOTE, **KEYS}, DRAWN, {}, "b702e1009582"),
    "openai, greedy keys": (
        {**REMOTE, "top_k": 5, "min_tokens": 1},
        {"presence_penalty": 0},
        {},
        "04f4a9616a95",
    ),
    "openai, drawn by the server": (
        {**REMOTE, "options": {"temperature": None}, "top_k": 5},
        {"seed": 3, "top_p": 0.9},
        {},
        "f84bf3c1c543",
    ),
    "openai, options": (
        {**REMOTE, "options": {"concurrency": 4, "timeout": 9, "seed": None, "user": "me"}},
        {},
        {},
        "9be896096288",
    ),
    "openai, extra body": ({**REMOTE, "options": EXTRA}, {}, {}, "c4006842029a"),
    "openai, merged arguments": (
        {**REMOTE, "options": EXTRA, "chat_template_kwargs": {"effort": "low"}},
        {"stop": ["Q"]},
        {},
        "771430f7b0d8",
    ),
    "openai, arguments": (
        {**REMOTE, "chat_template_kwargs": {"effort": "low"}},
        {},
        {},
        "79f7cbc708b1",
    ),
    "openai, thinks": ({**REMOTE, "thinking": True}, {"stop": ["Q"]}, {}, "afa41f445266"),
    "openai, thinks not": (
        {**REMOTE, "thinking": False, "options": {"n_probs": 1}},
        {},
        {},
        "347faa5e4dbb",
    ),
    "openai, plain": ({**REMOTE, "chat_template": "none"}, {"stop": ["\n"]}, {}, "9b9ec7004bdd"),
    "openai, own template": (
        {**HERE, **REMOTE, "max_model_len": 32},
        {"max_tokens": 8},
        {},
        "ec385be1a746",
    ),
    "openai, refusals and money": (
        {
            **REMOTE,
            "on_refused": "record",
            "price": {"input_per_million": 1, "output_per_million": 2},
            "max_cost": 3,
        },
        {},
        {},
        "6c04a6fec2a0",
    ),
    "judge's sampling": (REMOTE, "judge", {}, "d0e3863f3b8a"),
    "judge's own sampling": ({**HERE, "max_tokens": 4}, "judge", {}, "347847c0588d"),
}


@pytest.fixture
def fixed_versions(monkeypatch):
    """Engines that are as new everywhere."""
    for name in ENGINES:
        monkeypatch.setattr(
            engine(name), "version", staticmethod(lambda name=name: f"{name} 1.2.3")
        )


def key_of(folder, entry, sampling, files):
    """Return the key of a config's entry, by the way that a job takes."""
    model = ModelEntry(**entry)
    common = JudgeEntry.SAMPLING if sampling == "judge" else SamplingEntry(**sampling).params()
    given = SimpleNamespace(model=model.params(), sampling=common, hardware=model.hardware())
    input = SimpleNamespace(checkpoint=[], manifest=[], adapter=[])
    if model.checkpoint:
        input.checkpoint, input.manifest = [folder / "model"], [folder / "model.json"]
        write_checkpoint(folder / "model", **files)
    if model.adapter:
        input.adapter = [folder / "lora"]
        (folder / "lora").mkdir()
        (folder / "lora" / "adapter_config.json").write_text("{}")
        (folder / "lora" / "adapter_model.safetensors").write_text("weights")
    return cache_key(GenerationJob.of(input, given))


def write_checkpoint(folder, special=("<s>", "</s>"), **more):
    """Write a checkpoint of descriptions alone, and its manifest."""
    folder.mkdir()
    tokens = [{"id": 1 + at, "content": text, "special": True} for at, text in enumerate(special)]
    files = {
        "config.json": {"max_position_embeddings": 64, "eos_token_id": 2},
        "tokenizer_config.json": {"eos_token": "</s>"},
        "tokenizer.json": {"added_tokens": tokens, "model": {"vocab": {"a": 0}}},
        **more,
    }
    for name, value in files.items():
        text = value if isinstance(value, str) else json.dumps(value)
        (folder / name).write_text(text)
    names = ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
    listed = [{"name": name, "sha256": digest(name)} for name in names]
    manifest = {"files": listed, "digest": digest(listed)}
    folder.with_suffix(".json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", CASES)
def test_a_completion_is_kept_under_the_key_that_it_always_had(tmp_path, fixed_versions, name):
    """An entry of any engine has the key that it had when its journal was written."""
    *given, expected = CASES[name]
    assert digest(key_of(tmp_path, *given))[:12] == expected
