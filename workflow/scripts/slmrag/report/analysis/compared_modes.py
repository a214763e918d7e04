"""Which modes a mode is held against: those that differ from it in the context alone."""

from collections.abc import Collection
from typing import Any

from slmrag.files import digest
from slmrag.report.analysis.experiment import Experiment

CONTEXT = frozenset({"context", "retriever", "passages", "prompt"})
"""Keys of a mode that say what its context is, or are known by the template's text."""
WORDS = (
    "A mode is held against the modes that differ from it in the context alone: those with its "
    "template, or else each there is, a row each."
)


def variant(experiment: Experiment, mode: str) -> str | None:
    """Return a digest of all of a mode but its context, None where its template is not known."""
    texts = experiment.mode_templates.get(mode)
    if not texts:
        return None
    return digest([texts, rest(experiment, mode)])


def rest(experiment: Experiment, mode: str) -> dict[str, Any]:
    """Return what a mode's entry says beside its context and template."""
    entry = experiment.modes.get(mode, {})
    return {key: value for key, value in entry.items() if key not in CONTEXT}


def ends(experiment: Experiment, mode: str, context: str, among: Collection[str]) -> list[str]:
    """Return the modes of a context, of those ``among``, that a mode is held against.

    They are those of its own variant, or else all: several are ambiguous, and each is to be named.
    """
    found = [name for name in experiment.modes if name in among]
    found = [name for name in found if experiment.modes[name].get("context") == context]
    own = variant(experiment, mode)
    return [name for name in found if own and variant(experiment, name) == own] or found
