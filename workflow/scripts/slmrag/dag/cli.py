"""Commands that look after the folders, as they are typed: `snakemake status`, without cores."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slmrag.job.attempts import ASIDES

if TYPE_CHECKING:
    from slmrag.config.schema import Config

EXPLAIN, STATUS, POWER = "explain", "status", "power"
ELSEWHERE = frozenset({"--unlock", "--lint", "--list", "-l", "--list-rules", "--version"})
"""Options with which Snakemake runs nothing."""


def replaced(arguments: Sequence[str], cores: int | None) -> list[str] | None:
    """Return the command to run in place of `snakemake ARGUMENTS`, or None to go on with it.

    Snakemake would build a file that stands beside `explain`, and asks for `--cores` for a target
    that needs one; neither can be told to it before it has read its arguments.
    """
    if EXPLAIN in arguments:
        return [sys.executable, "-m", "slmrag.dag.dry_run", *without(EXPLAIN, arguments)]
    if cores is None and ASIDES.intersection(arguments):
        return [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    return None


def look_after(arguments: Iterable[str]) -> bool:
    """Say whether a command only looks after the folders or the rules: it reads no other file."""
    return not (ASIDES | ELSEWHERE).isdisjoint(arguments)


def divert(arguments: Sequence[str], cores: int | None) -> None:
    """Become that other command, where there is one."""
    command = replaced(arguments, cores)
    if command:
        path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        sys.stdout.flush()
        sys.stderr.flush()
        os.chdir(typed_in())
        os.execv(command[0], command)


def answer(
    arguments: Sequence[str],
    results: str,
    cells: Iterable[str],
    config: "Config",
    questions: Mapping[str, str],
) -> None:
    """Answer `snakemake status` or `power` and end there, no file made; else do nothing."""
    if POWER in arguments:
        from slmrag.dag.detectable_effect import describe as foresee

        print(foresee(config, questions))
        raise SystemExit(0)
    if STATUS in arguments:
        from slmrag.dag.status import describe

        rest = without(STATUS, arguments)
        print(describe(Path(results), cells, rest, typed_in()))
        raise SystemExit(0)


def without(word: str, arguments: Iterable[str]) -> list[str]:
    """Return the arguments that are not the word."""
    return [argument for argument in arguments if argument != word]


def typed_in() -> Path:
    """Return the folder in which the command was typed: Snakemake has left it for --directory."""
    frame = sys._getframe()
    while frame:
        handler = getattr(frame.f_locals.get("self"), "_workdir_handler", None)
        if left := getattr(handler, "olddir", None):
            return left
        frame = frame.f_back
    return Path.cwd()
