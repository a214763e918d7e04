"""Which modes a mode is compared with: those that differ from it in the context alone."""

from collections.abc import Collection
from typing import Any

from slmrag.files import digest
from slmrag.report.analysis.experiment import Experiment

CONTEXT_KEYS = frozenset({"context", "retriever", "passages", "prompt"})
"""Keys of a mode that say what its context is, or are known by the template's text."""


def compared_modes(
    experiment: Experiment, mode: str, context: str, among: Collection[str]
) -> list[str]:
    """Return the modes of a context, of those ``among``, that a mode is compared with.

    They are those with the same template and settings, or else all of that context: several are
    ambiguous, and each is to be named.
    """
    found = [
        name
        for name, entry in experiment.modes.items()
        if name in among and entry.get("context") == context
    ]
    own = variant_digest(experiment, mode)
    return [name for name in found if own and variant_digest(experiment, name) == own] or found


def variant_digest(experiment: Experiment, mode: str) -> str | None:
    """Return a digest of all of a mode but its context, None where its template is not known."""
    texts = experiment.mode_templates.get(mode)
    return digest([texts, other_settings(experiment, mode)]) if texts else None


def other_settings(experiment: Experiment, mode: str) -> dict[str, Any]:
    """Return what a mode's entry says beside its context and template."""
    entry = experiment.modes.get(mode, {})
    return {key: value for key, value in entry.items() if key not in CONTEXT_KEYS}
