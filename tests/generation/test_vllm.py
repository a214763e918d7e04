"""The real vLLM CPU engine over a tiny random model."""

import json
import shutil
import signal
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest
from slmrag.errors import UserError

from tests.generation import job_process
from tests.generation.conftest import job_spec, write_prompts
from tests.models.tiny_model import make_adapter, make_model, make_reasoner, manifest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed"),
]
COUNT = 60
ALONE = {"batch_invariant": True}


def run(spec):
    """Run a job in this process; return its result and the bytes of its answers."""
    parts = (SimpleNamespace(**spec[name]) for name in ("input", "output", "params"))
    result = generate_answers.main(*parts)
    return result, contents(spec)


def _raw(files):
    return [pl.read_parquet(file)["raw_answer"].to_list() for file in files]


def contents(spec):
    """Return the bytes of a job's answer files."""
    return [Path(path).read_bytes() for path in spec["output"]["answers"]]


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """Two cells, and the answers of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    tables = [
        write_prompts(folder / "prompts" / "a.parquet", COUNT),
        write_prompts(folder / "prompts" / "b.parquet", COUNT, passages=2),
    ]
    result, answers = run(job_spec(folder, tables, tiny, engine="vllm"))
    return SimpleNamespace(folder=folder, tables=tables, result=result, answers=answers)


@pytest.fixture(scope="module")
def alone(whole, tiny, tmp_path_factory):
    """The answers of an uninterrupted run in which no prompt shares a batch."""
    folder = tmp_path_factory.mktemp("alone")
    return run(job_spec(folder, whole.tables, tiny, engine="vllm", options=ALONE))[1]


def test_one_start_answers_the_whole_row_of_the_matrix(whole):
    """All cells of a model go through one engine, each answer with tokens and times."""
    assert (whole.result["engine_starts"], whole.result["generated"]) == (1, 2 * COUNT)
    table = pl.read_parquet(whole.folder / "out" / "a.parquet")
    times = pl.read_parquet(whole.folder / "out" / "a.times.parquet")
    assert table["generated_tokens"].max() == 12
    assert (times["seconds"] >= times["first_token_seconds"]).all()
    metadata = pl.read_parquet_metadata(whole.folder / "out" / "a.times.parquet")
    (record,) = json.loads(metadata["engines"])
    assert (record["device"], record["dtype"]) == ("cpu", "float32")
    assert record["chunked_prefill"] is True  # nothing is drawn, so prompts may be read in parts
    assert record["parameters"] > 0 and record["peak_cpu_bytes"] > 2**27
    start = record["start_seconds"]
    assert list(start) == ["import", "weights", "compile", "capture", "other"]
    assert start["import"] > 0 and start["weights"] > 0
    assert start["compile"] is start["capture"] is record["peak_gpu_bytes"] is None


def test_each_cell_has_its_part_of_the_engines_time(whole):
    """The cells' parts add up to the busy time of their one engine start."""
    out = whole.folder / "out"
    paths = [out / f"{cell}.times.parquet" for cell in "ab"]
    (record,) = json.loads(pl.read_parquet_metadata(paths[0])["engines"])
    parts = [pl.read_parquet(path)["work_seconds"].sum() for path in paths]
    assert sum(parts) == pytest.approx(record["busy_seconds"], abs=5.1e-7)
    assert 0 < record["busy_seconds"] <= record["generation_seconds"] + 0.001
    assert min(parts) > 0


def test_answers_are_those_of_a_bare_generate_call(whole, tiny):
    """Streaming through the step loop gives the texts of LLM.generate over the same prompts."""
    from vllm import LLM, SamplingParams

    table = pl.read_parquet(whole.folder / "out" / "b.parquet")
    llm = LLM(str(tiny), dtype="float32", enforce_eager=True, max_model_len=512)
    outputs = llm.generate(
        table["prompt"].to_list(), SamplingParams(temperature=0, max_tokens=12), use_tqdm=False
    )
    llm.llm_engine.engine_core.shutdown()
    assert [one.outputs[0].text for one in outputs] == table["raw_answer"].to_list()
    assert [len(one.prompt_token_ids) for one in outputs] == table["prompt_tokens"].to_list()


def test_two_runs_agree_byte_for_byte(whole, tiny, tmp_path):
    """A second run from nothing writes the same bytes."""
    assert run(job_spec(tmp_path, whole.tables, tiny, engine="vllm"))[1] == whole.answers


def test_two_copies_of_the_engine_agree_with_one(whole, tiny, tmp_path):
    """Data parallelism shares out the prompts and changes no answer."""
    spec = job_spec(tmp_path, whole.tables, tiny, engine="vllm")
    spec["params"]["hardware"]["data_parallel"] = 2
    result, answers = run(spec)
    assert (answers, result["generated"]) == (whole.answers, 2 * COUNT)


def test_tags_that_are_special_tokens_are_decoded_as_by_transformers(whole, tmp_path):
    """[THINK] of a tokenizer like Magistral's stays in the text; the other special tokens go."""
    model, texts = make_reasoner(tmp_path / "model"), []
    for engine in ("vllm", "transformers"):
        spec = job_spec(tmp_path, whole.tables[:1], model, engine, engine=engine, options=ALONE)
        run(spec)
        texts += _raw(spec["output"]["answers"])
    assert any("[THINK]" in text for text in texts[0])
    assert not any("<s>" in text or "</s>" in text for text in texts[0])
    same = [a == b for a, b in zip(*texts, strict=True)]
    assert sum(same) >= 0.95 * len(same)


def test_transformers_agrees_with_vllm(whole, tiny, tmp_path):
    """Another engine, given the same tokens one prompt at a time, writes the same answers.

    One in twenty may differ: two implementations round differently, and near-ties occur.
    """
    run(job_spec(tmp_path, whole.tables, tiny, engine="transformers", options=ALONE))
    ours = pl.read_parquet(tmp_path / "out" / "a.parquet")
    theirs = pl.read_parquet(whole.folder / "out" / "a.parquet")
    assert ours["prompt_tokens"].to_list() == theirs["prompt_tokens"].to_list()
    same = [a == b for a, b in zip(ours["raw_answer"], theirs["raw_answer"], strict=True)]
    print(f"{sum(same)} of {COUNT} answers agree")
    assert sum(same) >= 0.95 * COUNT


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_job_is_resumed_to_the_same_bytes(whole, alone, tiny, tmp_path, ending):
    """A signal amid generation ends the job within 5 s, and only what is missing runs again.

    The bytes are those of a run without interruption, as no answer depends on its batch.

    The 5 s are of a quiet machine: see ``job_process.patience``.
    """
    spec = job_spec(tmp_path, whole.tables, tiny, engine="vllm", options=ALONE)
    process = job_process.start(tmp_path, spec)
    deadline = time.monotonic() + 120
    while not job_process.lines(tmp_path) and process.poll() is None:
        assert time.monotonic() < deadline, "the engine did not start"
        time.sleep(0.01)
    job_process.end(process, ending)
    done = len(job_process.lines(tmp_path))
    assert 0 < done < 2 * COUNT
    assert not (tmp_path / "out").exists()
    result, answers = run(spec)
    assert (result["generated"], result["from_journal"]) == (2 * COUNT - done, done)
    assert answers == alone


@pytest.mark.parametrize("moment", ["import", "load"])
def test_a_signal_during_the_engines_start_ends_the_job_too(whole, tiny, tmp_path, moment):
    """SIGTERM amid vLLM's import or the loading of the model ends the job within 5 s as well."""
    process = job_process.start(tmp_path, job_spec(tmp_path, whole.tables, tiny, engine="vllm"))
    log, maps = tmp_path / "generate.log", Path(f"/proc/{process.pid}/maps")
    reached = {
        "import": lambda: "libtorch_cpu" in maps.read_text(),
        "load": lambda: log.is_file() and "Starting to load model" in log.read_text(),
    }[moment]
    deadline = time.monotonic() + 240
    while not reached():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    job_process.end(process, signal.SIGTERM)
    assert not job_process.lines(tmp_path)
    (file,) = (tmp_path / "results").rglob("events.jsonl")
    assert json.loads(file.read_text().splitlines()[-1])["status"] == "killed"


def test_a_resumed_job_imports_no_engine(whole, tiny, tmp_path):
    """With everything in the journal neither vLLM nor torch is imported, and it takes < 5 s."""
    shutil.copytree(whole.folder / "journal", tmp_path / "journal")
    spec = job_spec(tmp_path, whole.tables, tiny, engine="vllm")
    limit, began = job_process.patience(), time.monotonic()
    process = job_process.start(tmp_path, spec, SLMRAG_FORBID="vllm,torch,transformers")
    assert process.wait(60) == 0, (tmp_path / "stderr").read_text()
    assert time.monotonic() - began < max(limit, job_process.patience())
    assert contents(spec) == whole.answers


def test_a_seed_repeats_what_a_temperature_drew(tiny, tmp_path):
    """Sampled answers repeat with their seed and change with another."""
    tables = [write_prompts(tmp_path / "a.parquet", 5)]
    drawn = [
        run(job_spec(tmp_path / name, tables, tiny, engine="vllm", temperature=1.0, seed=seed))[1]
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_many_prompts_are_drawn_at_the_defaults(tiny, tmp_path, top_p):
    """200 prompts at a temperature go through, and no answer depends on what shares its batch.

    At the defaults the first step's tokens end within a prompt, which torch's generators for the
    CPU cannot bear.
    """
    tables, drawn = [write_prompts(tmp_path / "a.parquet", 200, passages=2)], []
    for name, hardware in (("default", {}), ("small", {"max_num_seqs": 8})):
        settings = {"engine": "vllm", "temperature": 0.7, "top_p": top_p}
        spec = job_spec(tmp_path / name, tables, tiny, **settings)
        spec["params"]["hardware"] |= hardware
        drawn.append(_raw(run(spec)[1]))
    assert drawn[0] == drawn[1] and len(set(drawn[0][0])) > 100
    times = pl.read_parquet_metadata(tmp_path / "default" / "out" / "a.times.parquet")
    (record,) = json.loads(times["engines"])
    assert record["chunked_prefill"] is False and record["max_num_seqs"] > 200
    assert record["prompt_tokens"] > record["max_num_batched_tokens"]


def test_an_adapter_changes_answers_and_must_fit(tiny, tmp_path):
    """A LoRA adapter is applied, as peft does it; one of another model is refused at once."""
    pytest.importorskip("peft")
    tables = [write_prompts(tmp_path / "a.parquet", 3)]
    plain = run(job_spec(tmp_path, tables, tiny, "plain", engine="vllm"))[1]
    spec = job_spec(tmp_path, tables, tiny, "lora", engine="vllm", adapter="x")
    spec["input"]["adapter"] = [str(make_adapter(tmp_path / "lora_model", hidden=128))]
    assert run(spec)[1] != plain
    other = job_spec(tmp_path, tables, tiny, "same", engine="transformers", adapter="x")
    other["input"]["adapter"] = spec["input"]["adapter"]
    assert _raw(run(other)[1]) == _raw(contents(spec))
    spec["input"]["adapter"] = [str(make_adapter(tmp_path / "alien", hidden=96))]
    with pytest.raises(UserError, match=r"is for another model, whose .* has size 96"):
        run(spec)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (
            {"options": {"gpu_memory_utilisation": 0.5}},
            "knows no argument 'gpu_memory_utilisation'",
        ),
        ({"load_in_8bit": True}, "CPU build cannot quantize"),
        ({"quantization": "awq"}, "are not; write fp8"),
        ({"options": {"num_gpu_blocks_override": 1}}, "leave no room for the cache; raise"),
        (
            {"temperature": 1.0, "options": {"max_num_batched_tokens": 300}},
            "max_num_batched_tokens must hold a whole prompt here",
        ),
        ({"max_tokens": 512}, "leaves no room for a prompt"),
        ({"max_model_len": 4096}, "more than the 512 tokens"),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence(tiny, tmp_path, entry, sentence):
    """What the engine, the device or the model lacks is said with what to change."""
    tables = [write_prompts(tmp_path / "a.parquet", 1)]
    with pytest.raises(UserError, match=sentence):
        run(job_spec(tmp_path, tables, tiny, engine="vllm", **entry))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_broken_checkpoint_is_one_sentence(tmp_path, lost):
    """A truncated or missing file of the checkpoint is named with what to do."""
    model = make_model(tmp_path / "model")
    manifest(model)
    file = model / lost
    file.write_bytes(file.read_bytes()[:-100]) if lost.endswith("s") else file.unlink()
    tables = [write_prompts(tmp_path / "a.parquet", 1)]
    with pytest.raises(UserError, match=f"{lost} is"):
        run(job_spec(tmp_path, tables, model, engine="vllm"))
