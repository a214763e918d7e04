"""The openai engine against a real server: vLLM's own, on the CPU."""

import os
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
from tests.generation.tiny_model import make_model, manifest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed"),
    pytest.mark.skipif(find_spec("openai") is None, reason="openai is not installed"),
    pytest.mark.skipif(find_spec("uvicorn") is None, reason="vllm's server needs uvicorn"),
]
PATIENCE = 600
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_USE_AOT_COMPILE": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture(scope="module")
def chatty(tmp_path_factory):
    """A tiny random model with a chat template."""
    folder = make_model(tmp_path_factory.mktemp("models") / "chatty", chat=True)
    manifest(folder)
    return folder


@pytest.fixture(scope="module")
def served(chatty, tmp_path_factory):
    """The address of a server of that model."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("served") / "log"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(chatty)]
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


@pytest.mark.parametrize("template", ["auto", "none"])
def test_a_served_model_answers_as_the_same_model_loaded_here(chatty, served, tmp_path, template):
    """Chat or plain, the endpoint gets what the offline engine reads, and answers the same."""
    table = write_prompts(tmp_path / "a.parquet", 12)
    common = {"chat_template": template}
    made = {
        "served": {"engine": "openai", "endpoint": served, "served_name": "tiny", **common},
        "loaded": {"engine": "vllm", **common},
    }
    tables = {}
    for name, entry in made.items():
        model = chatty if name == "loaded" else None
        spec = job_spec(tmp_path, [table], model, name, **entry)
        parts = (SimpleNamespace(**spec[key]) for key in ("input", "output", "params"))
        assert generate_answers.main(*parts)["generated"] == 12
        tables[name] = pl.read_parquet(spec["output"]["answers"][0])
    for column in ("prompt_tokens", "finish_reason"):
        assert tables["served"][column].to_list() == tables["loaded"][column].to_list()
    same = tables["served"]["raw_answer"] == tables["loaded"]["raw_answer"]
    assert same.sum() >= 11, "batches differ between the two, so one near-tie is allowed"
