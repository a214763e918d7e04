"""The openai engine against a real server: vLLM's own, on the CPU."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest

from tests.generation.conftest import job_spec, write_prompts
from tests.models.tiny_model import make_model, manifest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed"),
    pytest.mark.skipif(find_spec("openai") is None, reason="openai is not installed"),
    pytest.mark.skipif(find_spec("uvicorn") is None, reason="vllm's server needs uvicorn"),
]
PATIENCE = 600
ALONE = {"engine": "transformers", "options": {"batch_invariant": True}}
WISHES = {
    "do_sample": True,
    "temperature": 1.5,
    "top_k": 3,
    "top_p": 0.5,
    "repetition_penalty": 1.3,
    "suppress_tokens": [387, 157],
    "no_repeat_ngram_size": 1,
    "num_beams": 2,
    "max_new_tokens": 3,
}
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_USE_AOT_COMPILE": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture(scope="module")
def neutral(tmp_path_factory):
    """A tiny random chat model that ends at several ids, and at its tokenizer's eos token."""
    folder = make_model(tmp_path_factory.mktemp("models") / "neutral", chat=True)
    ends_often(folder)
    manifest(folder)
    return folder


@pytest.fixture(scope="module")
def nasty(neutral):
    """The same model, whose generation_config.json asks for much."""
    folder = shutil.copytree(neutral, neutral.with_name("nasty"))
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | WISHES))
    manifest(folder)
    return folder


@pytest.fixture(scope="module")
def served(nasty, tmp_path_factory):
    """The address of a server of that model, started as people start it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("served") / "log"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(nasty)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", "tiny"]
    command += ["--dtype", "float32", "--enforce-eager", "--max-model-len", "512"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **ENVIRONMENT},
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_until_up(process, port, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_up(process, port, log):
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)


@pytest.fixture
def answers(tmp_path):
    """Return the table of 12 answers by an engine."""
    table = write_prompts(tmp_path / "a.parquet", 12)

    def run(name, model, **entry):
        spec = job_spec(tmp_path, [table], model, name, **entry)
        parts = (SimpleNamespace(**spec[key]) for key in ("input", "output", "params"))
        assert generate_answers.main(*parts)["generated"] == 12
        return pl.read_parquet(spec["output"]["answers"][0])

    return run


@pytest.mark.parametrize("template", ["auto", "none"])
def test_engines_agree_whatever_the_checkpoint_wishes(neutral, nasty, served, answers, template):
    """Chat or plain, all read the same, draw by the config alone and end at the same ids."""
    common = {"chat_template": template}
    loaded = answers("loaded", nasty, engine="vllm", **common)
    assert set(loaded["finish_reason"]) == {"stop", "length"}
    others = {
        "served": answers("served", None, **remote(served), **common),
        "transformers": answers("transformers", nasty, **ALONE, **common),
        "neutral": answers("neutral", neutral, **ALONE, **common),
    }
    for name, table in others.items():
        assert alike(loaded, table), name


def test_engines_agree_on_a_penalty_that_is_asked_for(nasty, served, answers):
    """repetition_penalty is applied by each, alike, and changes the answers."""
    asked = {"chat_template": "none", "repetition_penalty": 1.3}
    loaded = answers("loaded", nasty, engine="vllm", **asked)
    assert alike(loaded, answers("served", None, **remote(served), **asked))
    assert alike(loaded, answers("transformers", nasty, **ALONE, **asked))
    plain = answers("plain", nasty, chat_template="none", **ALONE)
    assert (plain["raw_answer"] == loaded["raw_answer"]).sum() < 6


def test_what_was_sent_is_recorded(served, answers, tmp_path):
    """vLLM's server is known by its list of models, and nothing is left to it."""
    answers("served", None, **remote(served))
    lines = [json.loads(x) for f in tmp_path.rglob("*.jsonl") for x in f.read_text().splitlines()]
    (record, *_) = (x["engine"] for x in lines if "digest" not in x)
    assert (record["server"], record["sampling_unknown"]) == ("vllm", [])
    assert record["sampling_sent"]["repetition_penalty"] == 1


def remote(url):
    """Return the entry of the served model."""
    return {"engine": "openai", "endpoint": url, "served_name": "tiny"}


def alike(one, other):
    """Tell whether two tables agree, but for one near-tie: their batches differ."""
    columns = ("raw_answer", "finish_reason", "prompt_tokens")
    return all((one[name] == other[name]).sum() >= 11 for name in columns)


def ends_often(folder):
    """Let the model end where it had said one of two tokens: by the tokenizer's eos, and by an id.

    Swapping rows of the output layer makes it say <|im_end|> in place of Con.
    """
    from safetensors.torch import load_file, save_file

    words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    rows, swapped = [words["<|im_end|>"], words["Con"]], [words["Con"], words["<|im_end|>"]]
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"][rows] = weights["lm_head.weight"][swapped]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    settings = folder / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"eos_token": "<|im_end|>"}))
    own = {"bos_token_id": 1, "eos_token_id": [2, words["iam"]], "pad_token_id": 0}
    (folder / "generation_config.json").write_text(json.dumps(own))
