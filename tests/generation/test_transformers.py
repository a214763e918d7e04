"""The Transformers engine over a tiny random model."""

from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest
from slmrag.engines import transformers
from slmrag.errors import UserError

from tests.generation import job_process
from tests.generation.conftest import job_spec, write_prompts
from tests.generation.tiny_model import make_adapter, make_model, manifest

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow


@pytest.fixture
def answer(tiny, tmp_path):
    """Run a job of 20 prompts; return its result, its answers and its timings."""
    tables = [write_prompts(tmp_path / "a.parquet", 20)]

    def run(to="out", model=tiny, adapter=None, width=None, **entry):
        spec = job_spec(tmp_path, tables, model, to, engine="transformers", **entry)
        spec["params"]["hardware"]["max_num_seqs"] = width
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


def test_memory_that_runs_out_in_flight_costs_only_its_batch(answer, monkeypatch, tmp_path):
    """Out of memory in a later batch says what to change; the batches before it are kept."""
    whole, seen = transformers.Engine._batch, []

    def runs_out(self, batch):
        seen.append(batch)
        if len(seen) == 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(transformers.Engine, "_batch", runs_out)
        with pytest.raises(UserError, match=r"ran out of memory; lower max_num_seqs.* is kept"):
            answer(width=4)
    assert len(job_process.lines(tmp_path)) == 8
    assert answer()[0]["generated"] == 12


def test_alone_in_its_batch_no_answer_depends_on_another(answer, monkeypatch, tmp_path):
    """With batch_invariant a batch is one prompt, whatever max_num_seqs says."""
    sizes = []
    whole = transformers.Engine._batch
    monkeypatch.setattr(
        transformers.Engine, "_batch", lambda self, b: sizes.append(len(b)) or whole(self, b)
    )
    answer(width=8, options={"batch_invariant": True})
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


def test_a_broken_checkpoint_is_one_sentence(answer, tmp_path):
    """Truncated weights are named before torch is asked."""
    model = make_model(tmp_path / "model")
    manifest(model)
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"model\.safetensors is cut short"):
        answer(model=model)


def test_an_adapter_for_another_model_is_refused(answer, tmp_path):
    """An adapter of other sizes is refused; one that fits needs peft or is applied."""
    with pytest.raises(UserError, match=r"is for another model, whose .* has size 96"):
        answer(adapter=make_adapter(tmp_path / "alien", hidden=96))
