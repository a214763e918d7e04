"""The Transformers engine over a tiny random model."""

import json
from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest
from slmrag.errors import UserError
from slmrag.generation.engines import transformers
from slmrag.models.tokenizer import CheckpointTokenizer

from tests.generation import job_process
from tests.generation.conftest import job_spec, write_prompts
from tests.models.tiny_model import make_adapter, make_model, make_reasoner, manifest

ALONE = {"batch_invariant": True}

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow


@pytest.fixture
def answer(tiny, tmp_path):
    """Run a job of 20 prompts; return its result, its answers and its timings."""
    tables = [write_prompts(tmp_path / "a.parquet", 20)]

    def run(to="out", model=tiny, adapter=None, hardware=None, **entry):
        spec = job_spec(tmp_path, tables, model, to, engine="transformers", **entry)
        spec["params"]["hardware"] |= hardware or {}
        spec["input"]["adapter"] = [str(adapter)] if adapter else []
        parts = (SimpleNamespace(**spec[name]) for name in ("input", "output", "params"))
        result = generate_answers.main(*parts)
        kinds = (spec["output"]["answers"][0], spec["output"]["timings"][0])
        return (result, *map(pl.read_parquet, kinds))

    return run


def test_every_answer_has_tokens_and_times(answer):
    """The first token comes before the last, and the start is told step by step."""
    result, answers, times = answer()
    assert answers["generated_tokens"].max() == 12
    assert (times["first_token_seconds"] > 0).all()
    assert (times["seconds"] >= times["first_token_seconds"]).all()
    assert {"engine_start/import_seconds", "engine_start/weights_seconds"} <= set(result)
    assert result["peak_cpu_bytes"] > 2**27
    assert 0 < times["work_seconds"].sum() <= result["generation_seconds"] + 0.001


def test_memory_that_runs_out_in_flight_costs_only_its_batch(answer, monkeypatch, tmp_path):
    """Out of memory in a later batch says what to change; the batches before it are kept."""
    whole, seen = transformers.Engine._generate, []

    def runs_out(self, batch):
        seen.append(batch)
        if len(seen) == 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(transformers.Engine, "_generate", runs_out)
        with pytest.raises(UserError, match=r"ran out of memory; lower max_num_seqs.* is kept"):
            answer(hardware={"max_num_seqs": 4})
    assert len(job_process.lines(tmp_path)) == 8
    assert answer()[0]["generated"] == 12


def test_a_prompt_that_was_cut_is_found_again_uncounted(answer, tmp_path, monkeypatch, caplog):
    """A resumed job cuts prompts as before without a single look into the tokenizer."""
    write_prompts(tmp_path / "a.parquet", 20, passages=40)
    first, answers, _ = answer()
    assert first["shortened"] == 20 and answers["passages_dropped"].min() > 0
    assert "a: 20 of 20 prompts did not fit the model" in caplog.text
    monkeypatch.setattr(
        CheckpointTokenizer, "encode", lambda *_, **__: pytest.fail("it was counted")
    )
    again, same, _ = answer("again")
    assert (again["engine_starts"], again["shortened"]) == (0, 20)
    assert same.equals(answers)


def test_alone_in_its_batch_no_answer_depends_on_another(answer, monkeypatch, tmp_path):
    """With batch_invariant a batch is one prompt, whatever max_num_seqs says."""
    sizes = []
    whole = transformers.Engine._generate
    monkeypatch.setattr(
        transformers.Engine, "_generate", lambda self, b: sizes.append(len(b)) or whole(self, b)
    )
    answer(hardware={"max_num_seqs": 8}, options=ALONE)
    assert set(sizes) == {1}


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"load_in_8bit": True}, "needs a GPU"),
        ({"quantization": "fp8"}, "bitsandbytes_8bit or bitsandbytes_4bit only"),
        ({"max_tokens": 512}, "leaves no room for a prompt"),
        ({"chat_template": "tokenizer"}, "has no chat template"),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence(answer, entry, sentence):
    """What the engine, the device or the tokenizer lacks is said with what to change."""
    with pytest.raises(UserError, match=sentence):
        answer(**entry)


@pytest.mark.parametrize(
    ("hardware", "sentence"),
    [
        ({"gpus": 1, "gpus_asked": 1}, r"gpus: 1 is asked for, and torch .* sees none; run it"),
        ({"gpus": 2, "gpus_asked": 2}, r"gpus: 2 is asked for, and torch .* sees none; run it"),
        ({"gpus": 2, "tensor_parallel": 2}, "tensor_parallel: engine: transformers holds a model"),
    ],
)
def test_a_gpu_that_is_asked_for_and_not_there_is_one_sentence(
    answer, tmp_path, monkeypatch, hardware, sentence
):
    """Where the entry names GPUs that torch does not see, no model is loaded."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(transformers, "load_model", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(UserError, match=sentence):
        answer(hardware=hardware)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("shown", [0, 2])
def test_a_gpu_that_comes_by_default_may_be_lacking(answer, monkeypatch, tmp_path, shown):
    """A plain model, whose entry names no GPU, runs on the CPU, and tells of a GPU beside it."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result, _, _ = answer(hardware={"gpus": 1, "gpus_asked": 0, "gpus_shown": shown})
    assert result["generated"] == 20
    (record,) = json.loads(pl.read_parquet_metadata(tmp_path / "out/a.times.parquet")["engines"])
    assert (record["device"], record["gpu_name"]) == ("cpu", None)
    assert ("shows 2 GPUs: torch" in (record["gpu_unused"] or "")) == bool(shown)


@pytest.mark.parametrize(
    ("file", "edit", "sentence"),
    [
        ("model.safetensors", lambda data: data[:-100], r"model\.safetensors is cut short"),
        ("model.safetensors", lambda data: None, r"holds no \*\.safetensors; delete it"),
        ("config.json", lambda data: b"[]", r"config\.json is no JSON object; download"),
        ("tokenizer.json", lambda data: data[:-100], r"tokenizer\.json is no tokenizer .* again"),
        (
            "config.json",
            lambda data: data.replace(b'"hidden_size": 128', b'"hidden_size": 64'),
            r"weights do not fit its config\.json; delete it",
        ),
        (
            "config.json",
            lambda data: data.replace(b'"num_hidden_layers": 2', b'"num_hidden_layers": 3'),
            r"lacks \d+ weights, such as model\.layers\.2\.",
        ),
    ],
)
def test_a_broken_checkpoint_is_one_sentence(answer, tmp_path, file, edit, sentence):
    """What is truncated, missing or of another model is named, and nothing is made up for it."""
    model = make_model(tmp_path / "model")
    manifest(model)
    data = edit((model / file).read_bytes())
    (model / file).unlink() if data is None else (model / file).write_bytes(data)
    with pytest.raises(UserError, match=sentence):
        answer(model=model)
    assert not (tmp_path / "out").exists()


def test_an_adapter_changes_answers_and_must_fit(answer, tmp_path):
    """A LoRA adapter is applied by peft; one of another model is refused before torch is asked."""
    pytest.importorskip("peft")
    plain = answer("plain", options=ALONE)[1]["raw_answer"]
    made = make_adapter(tmp_path / "lora")
    adapted = answer("lora", adapter=made, options=ALONE)[1]["raw_answer"]
    assert (plain != adapted).sum() > len(plain) / 2
    with pytest.raises(UserError, match=r"is for another model, whose .* has size 96"):
        answer(adapter=make_adapter(tmp_path / "alien", hidden=96))


def test_tags_that_are_special_tokens_are_decoded(answer, tmp_path):
    """[THINK] of a tokenizer like Magistral's stays in the text; the other special tokens go."""
    model = make_reasoner(tmp_path / "model")
    texts = answer(model=model)[1]["raw_answer"]
    assert texts.str.contains("[THINK]", literal=True).any()
    assert not texts.str.contains("</s>|<s>|<unk>").any()
