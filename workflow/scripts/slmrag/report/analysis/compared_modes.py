"""Which modes a mode is compared with: those that differ from it only in the context."""

from collections.abc import Collection
from typing import Any

from slmrag.files import digest
from slmrag.report.analysis.experiment import Experiment

CONTEXT_KEYS = frozenset({"context", "retriever", "passages", "prompt"})
"""Keys of a mode for its context, and its template, which is compared by its text."""


def compared_modes(
    experiment: Experiment, mode: str, context: str, among: Collection[str]
) -> list[str]:
    """Return the modes of a context, of those ``among``, that a mode is compared with.

    They are those with the same template and settings. If there are none, they are all of that
    context: the choice is ambiguous, so the report names each.
    """
    found = [
        name
        for name, entry in experiment.modes.items()
        if name in among and entry.get("context") == context
    ]
    own = variant_digest(experiment, mode)
    return [name for name in found if own and variant_digest(experiment, name) == own] or found


def variant_digest(experiment: Experiment, mode: str) -> str | None:
    """Return a digest of a mode without its context, None where its template is unknown."""
    texts = experiment.mode_templates.get(mode)
    return digest([texts, other_settings(experiment, mode)]) if texts else None


def other_settings(experiment: Experiment, mode: str) -> dict[str, Any]:
    """Return the keys of a mode's entry other than context and template."""
    entry = experiment.modes.get(mode, {})
    return {key: value for key, value in entry.items() if key not in CONTEXT_KEYS}
