"""The exception for errors that the user can correct."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """An error that the user can correct: one sentence that names the place and says what to do."""


def nearest(name: object, known: Iterable[object]) -> str:
    """Return ``; did you mean 'x'?`` for the known name nearest to ``name``, or an empty string."""
    matches = get_close_matches(str(name), [str(other) for other in known], n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else ""
