"""What `make demo` and `make results` ask of the workflow, and how they refuse bad input."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo import packages, run_demo

ROOT = Path(__file__).parents[2]


def test_both_models_take_part_and_one_may_be_left_out():
    """A model that is not named is set to null, by a command that a user can type."""
    both = run_demo.chosen(["--models", "smollm2_135m gemma3_270m", "-n"])
    assert both.command()[3:] == ["--configfile", "config/demo.yaml", "--cores", "all", "-n"]
    one = run_demo.chosen(["--models", "smollm2_135m"]).command("--quiet", "all")
    assert one[3:5] == ["--quiet", "all"]
    assert one[-4:] == ["--config", "models={gemma3_270m: null}", "--cores", "all"]


def test_results_are_laid_over_the_demo():
    """The last file that names an experiment names the report's folder."""
    results = run_demo.chosen(["--models", "smollm2_135m", "--over", "demo/results.yaml"])
    assert results.report() == ROOT / "results/published/report"
    assert run_demo.chosen([]).report() == ROOT / "results/demo/report"


@pytest.mark.parametrize(
    ("script", "arguments", "sentence"),
    [
        ("run_demo", ["--models", "smollm3"], "MODELS: smollm3 is no model of the demo"),
        ("build_model", ["folder", "smollm3"], "names: minilm, smollm2_135m, gemma3_270m"),
    ],
)
def test_an_unknown_model_is_refused(script, arguments, sentence):
    """In one sentence, that names those there are."""
    command = [sys.executable, str(ROOT / f"demo/{script}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ)
    assert done.returncode == 1 and sentence in done.stderr and "Traceback" not in done.stderr


def test_a_package_that_is_gone_is_named():
    """And a package without the file."""
    with pytest.raises(RuntimeError, match="the package no-such-package lacks x"):
        packages.file_of("no-such-package", "x")
    with pytest.raises(RuntimeError, match="the package pytest lacks no-such-file"):
        packages.file_of("pytest", "no-such-file")
