"""Snakemake's own folder, `.snakemake`: it cannot be left out, not even to plan."""

import os
from collections.abc import Iterable

from slmrag.errors import UserError

LISTS = ("--lint", "--list", "--lt", "-l")
"""What Snakemake does without it."""


def check(arguments: Iterable[str]) -> None:
    """Raise UserError where Snakemake could not write to its folder and would need to."""
    place = ".snakemake" if os.path.isdir(".snakemake") else "."
    lists = any(word.startswith(LISTS[:2]) or word in LISTS for word in arguments)
    if not lists and not os.access(place, os.W_OK | os.X_OK):
        raise UserError(
            f"{os.path.abspath(place)} cannot be written, and Snakemake keeps notes in .snakemake "
            "even to plan; name a folder of your own: --directory FOLDER --configfile FILE"
        )
