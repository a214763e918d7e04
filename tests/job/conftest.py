"""What the tests of jobs share: a job in a process and a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "tracking" / "job_process.py"


@pytest.fixture
def job(tmp_path):
    """A function that runs a job in a process of its own, and its folder."""

    def run(main, **description):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLEARML", "MLFLOW"))}
        kept |= {"HOME": str(tmp_path), "PYTHONPATH": f"{ROOT / 'workflow/scripts'}:{ROOT}"}
        kept |= description.pop("environment", {})
        text = json.dumps({"main": main, **description})
        command = [sys.executable, str(SCRIPT), text]
        return subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True)

    run.folder = tmp_path
    return run
