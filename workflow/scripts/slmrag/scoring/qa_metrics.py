"""Score answers against references as Adlakha et al. (TACL 2024) do, a whole cell at a time."""

from collections.abc import Sequence
from itertools import compress, repeat

import numpy as np

from slmrag.data.normalize import SEPARATOR, flat_tokens

METRICS = ("token_recall", "precision", "f1", "exact_match", "match", "token_match")

_ANSWERS_AT_ONCE = 2048  # answers; small enough to stay in the processor's cache
_NEW_TEXT, _ARTICLE, _UNKNOWN = -1, -2, -3
_MARKS = {SEPARATOR: _NEW_TEXT, b"a": _ARTICLE, b"an": _ARTICLE, b"the": _ARTICLE}


def score_answers(
    answers: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, np.ndarray]:
    """Return each metric's float64 array, one value an answer: the maximum over its references.

    Raises ValueError where an answer has no reference or the lengths differ.
    """
    if len(answers) != len(references) or not all(references):
        raise ValueError("each answer needs at least one reference")
    parts = [
        slice(start, start + _ANSWERS_AT_ONCE) for start in range(0, len(answers), _ANSWERS_AT_ONCE)
    ]
    scored = [_score_part(answers[part], references[part]) for part in parts]
    columns = np.concatenate(scored, axis=1) if scored else np.zeros((len(METRICS), 0))
    return dict(zip(METRICS, columns, strict=True))


def _score_part(answers: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    counts = np.array([len(own) for own in references])
    reference_words = flat_tokens([reference for own in references for reference in own])
    owner = np.repeat(np.arange(len(answers)), counts)
    return _best_reference(
        _pair_columns(flat_tokens(answers), reference_words, owner), np.cumsum(counts) - counts
    )


def _pair_columns(
    answer_words: list[bytes], reference_words: list[bytes], owner: np.ndarray
) -> list[np.ndarray]:
    """Return one column a (answer, reference) pair for: overlap, lengths, and the three matches."""
    ids = {word: number for number, word in enumerate(dict.fromkeys(reference_words))} | _MARKS
    answer_ids, answer_texts = _word_ids(answer_words, ids)
    reference_ids, reference_texts = _word_ids(reference_words, ids)
    common = _shared_tokens(answer_ids, reference_ids, owner, len(ids))
    lengths = _lengths(answer_ids)[owner], _lengths(reference_ids)
    matches = _matches(reference_texts, [answer_texts[row] for row in owner.tolist()])
    return [common, *lengths, *matches]


def _matches(references: list[bytes], answers: list[bytes]) -> np.ndarray:
    """Return three rows for pairs of padded texts: equal, contained, contained as whole words."""
    inside = [reference[1:-1] in text for reference, text in zip(references, answers, strict=True)]
    matches = np.zeros((3, len(references)))
    matches[1] = inside
    for pair in np.flatnonzero(inside).tolist():
        matches[0, pair] = references[pair] == answers[pair]
        matches[2, pair] = references[pair] in answers[pair] or references[pair] == b" "
    return matches


def _word_ids(words: list[bytes], ids: dict[bytes, int]) -> tuple[np.ndarray, list[bytes]]:
    """Return the words' numbers without the articles, and each text padded by a space each side."""
    numbers = np.fromiter(map(ids.get, words, repeat(_UNKNOWN)), np.int64, len(words))
    kept = numbers != _ARTICLE
    text = b" ".join(compress(words, kept.tolist()))
    return numbers[kept], (b" %b " % text if text else b" ").split(SEPARATOR)


def _lengths(ids: np.ndarray) -> np.ndarray:
    ends = np.append(np.flatnonzero(ids == _NEW_TEXT), len(ids))
    return np.diff(ends, prepend=-1) - 1


def _shared_tokens(
    answer_ids: np.ndarray, reference_ids: np.ndarray, owner: np.ndarray, size: int
) -> np.ndarray:
    """Return the size of the multiset intersection of each reference with its answer."""
    answer_keys, answer_counts = _count_words(answer_ids, size)
    keys, counts = _count_words(reference_ids, size)
    pair, word = np.divmod(keys, size)
    place = np.searchsorted(answer_keys, owner[pair] * size + word)
    found = np.append(answer_keys, -1)[place] == owner[pair] * size + word
    shared = np.where(found, np.minimum(counts, np.append(answer_counts, 0)[place]), 0)
    return np.bincount(pair, shared, minlength=len(owner))


def _count_words(ids: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted keys (text x ``size`` + word) and how often each occurs."""
    row = np.cumsum(ids == _NEW_TEXT)
    known = ids >= 0
    return np.unique(row[known] * size + ids[known], return_counts=True)


def _best_reference(columns: list[np.ndarray], starts: np.ndarray) -> np.ndarray:
    """Return one row a metric, one column an answer, from one column a pair."""
    common, answer_length, reference_length, *matches = columns
    recall = np.where(reference_length == 0, 1.0, common / np.maximum(reference_length, 1))
    precision = common / np.maximum(answer_length, 1)
    total = precision + recall
    harmonic = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=common > 0)
    f1 = np.where((answer_length == 0) & (reference_length == 0), 1.0, harmonic)
    return np.maximum.reduceat(np.array([recall, precision, f1, *matches]), starts, axis=1)
