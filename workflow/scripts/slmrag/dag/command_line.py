"""What the typed command asks for, which Snakemake does not tell its Snakefile."""

import os
from collections.abc import Iterable

from slmrag.errors import UserError
from slmrag.job.attempts import MAINTENANCE_RULES

OPTIONS_WITHOUT_JOBS = frozenset(
    {"--unlock", "--lint", "--list", "-l", "--list-rules", "--version"}
)
"""Options with which Snakemake neither makes nor plans a file."""

OPTIONS_WITHOUT_FOLDER = ("--lint", "--list", "--lt", "-l")
"""Options that work without the folder ``.snakemake``."""


def reads_no_source(arguments: Iterable[str]) -> bool:
    """Say whether a command only looks after the folders or lists the rules."""
    return not (MAINTENANCE_RULES | OPTIONS_WITHOUT_JOBS).isdisjoint(arguments)


def check_folder(arguments: Iterable[str]) -> None:
    """Raise UserError if ``.snakemake`` cannot be written: even a plan needs it."""
    place = ".snakemake" if os.path.isdir(".snakemake") else "."
    lists = any(
        word.startswith(OPTIONS_WITHOUT_FOLDER[:2]) or word in OPTIONS_WITHOUT_FOLDER
        for word in arguments
    )
    if not lists and not os.access(place, os.W_OK | os.X_OK):
        raise UserError(
            f"{os.path.abspath(place)} cannot be written, and Snakemake keeps notes in .snakemake "
            "even to plan; name a folder of your own: --directory FOLDER --configfile FILE"
        )
