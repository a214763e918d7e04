"""The commit of the workflow's own code, and whether it was edited since."""

import os
import subprocess
from pathlib import Path
from typing import Any

VERSION_VARIABLE = "SLMRAG_CODE_VERSION"
GIT_SECONDS = 3.0
COMMIT_LINE = "# branch.oid "


def read_version() -> dict[str, Any]:
    """Return commit and dirty flag: those that the run's driver found, else git's now."""
    known = os.environ.get(VERSION_VARIABLE)
    commit, _, dirty = (ask_git() if known is None else known).partition(" ")
    return {"commit": commit, "dirty": dirty == "dirty"} if commit else {}


def ask_git() -> str:
    """Return ``commit dirty``, ``commit clean``, or nothing outside of a repository."""
    lines = run_git("status", "--porcelain=v2", "--branch").splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith(COMMIT_LINE)), "(initial)")
    if commit == "(initial)":
        return ""
    return f"{commit} {'clean' if all(line.startswith('#') for line in lines) else 'dirty'}"


def run_git(*arguments: str) -> str:
    """Return git's output, empty if it fails or takes too long."""
    command = ["git", "-C", str(Path(__file__).resolve().parent), *arguments]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
