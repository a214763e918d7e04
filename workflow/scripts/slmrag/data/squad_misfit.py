"""References that metrics for English misread, and the sentence that warns of them."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from slmrag.data.unspaced_scripts import has_unspaced


def has_unicode_punctuation(reference: str) -> bool:
    """Tell whether a reference has punctuation that SQuAD's metrics treat as letters (– ’ 。)."""
    return not reference.isascii() and any(
        not sign.isascii() and unicodedata.category(sign)[0] == "P" for sign in reference
    )


def is_decomposed(reference: str) -> bool:
    """Tell whether a reference is not in NFC, so that no answer in NFC equals it."""
    return not unicodedata.is_normalized("NFC", reference)


UNLIKE_SQUAD: dict[str, Callable[[str], bool]] = {
    "references_with_unicode_punctuation": has_unicode_punctuation,
    "references_not_in_nfc": is_decomposed,
    "references_without_spaces": has_unspaced,
}
"""Tests of what metrics after SQuAD have no rule for, by name in the audit."""


def is_unlike_squad(reference: str) -> bool:
    """Tell whether metrics after SQuAD misread a reference."""
    return any(test(reference) for test in UNLIKE_SQUAD.values())


def misfit_sentence(audit: Mapping[str, Any]) -> str | None:
    """Return a sentence if one question in a hundred has only references that are misread."""
    unlike, total = audit.get("questions_unlike_squad", 0), audit["questions"]
    if 100 * unlike < total or not unlike:
        return None
    counted = ", ".join(f"{name} {audit[name]}" for name in UNLIKE_SQUAD)
    return (
        f"{unlike} of {total} questions have only references that token_recall and its kin (after "
        f"SQuAD, for English) misread ({counted})"
    )
