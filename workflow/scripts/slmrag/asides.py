"""Commands that look after the folders, as they are typed: `snakemake status`, without cores."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

EXPLAIN = "explain"
ASIDES = frozenset({"status", "journal", "prune_journal", "clean_experiment", "sync_tracking"})
"""Targets that make no file and need one core."""


def replaced(arguments: Sequence[str], cores: int | None) -> list[str] | None:
    """Return the command to run in place of `snakemake ARGUMENTS`, or None to go on with it.

    Snakemake would build a file that stands beside `explain`, and asks for `--cores` for a target
    that needs one; neither can be told to it before it has read its arguments.
    """
    if EXPLAIN in arguments:
        rest = [argument for argument in arguments if argument != EXPLAIN]
        return [sys.executable, "-m", "slmrag.planning", *rest]
    if cores is None and ASIDES.intersection(arguments):
        return [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    return None


def divert(arguments: Sequence[str], cores: int | None) -> None:
    """Become that other command, where there is one."""
    command = replaced(arguments, cores)
    if command:
        path = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], command)
