"""The coverage of a set of questions by a corpus: answers, gold passages, the questions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from slmrag.data.gold_join import GoldJoin, count_gold
from slmrag.data.has_answer import answer_phrase
from slmrag.data.unspaced_scripts import POLARS_LETTER

QUESTION_ENDS = " ?!.？！。؟।"
NAMED_QUESTIONS = 20
"""At most this many questions without an answer, or without gold, in the corpus are named."""


def column_phrases(texts: pl.Expr, apart: bool = False) -> pl.Expr:
    """Return ``has_answer.spaced_tokens`` of each text of a column."""
    texts = texts.str.normalize("NFD")
    if apart:
        texts = texts.str.replace_all(rf"({POLARS_LETTER}[\p{{Mn}}\p{{Mc}}]*)", " $1 ")
    single = texts.str.replace_all(r"([^\p{L}\p{N}\p{M}])", " $1 ")
    single = single.str.replace_all(r"[\p{Z}\p{C}]+", " ").str.strip_chars(" ")
    return pl.format(" {} ", single).str.to_lowercase()


def _is_mostly_unspaced(texts: pl.Expr) -> pl.Expr:
    """Return ``unspaced_scripts.is_mostly_unspaced`` of each text of a column."""
    return 2 * texts.str.count_matches(POLARS_LETTER) > texts.str.count_matches(r"\p{L}")


class Coverage:
    """Searches phrases in tables of passages; a phrase that was found is not searched again."""

    def __init__(self, questions: Sequence[Mapping[str, Any]]) -> None:
        self.questions = questions
        self.answers = [set(map(answer_phrase, row["answers"])) for row in questions]
        self.question_phrases = [
            answer_phrase(row["question"].rstrip(QUESTION_ENDS)) for row in questions
        ]
        self.gold = GoldJoin([row["gold"] for row in questions])
        self.left = {
            one for one in set(self.question_phrases).union(*self.answers) if one[0].strip()
        }
        self.found: set[tuple[str, bool]] = set()
        self.passages = 0

    def add(self, table: pl.DataFrame) -> None:
        """Take a table of passages."""
        self.passages += table.height
        self.gold.add(table)
        if self.left:
            self._search(table)

    def _search(self, table: pl.DataFrame) -> None:
        text = pl.col("text")
        texts = {False: column_phrases(text)}
        if table["text"].str.contains(POLARS_LETTER).any():
            far = column_phrases(text, apart=True)
            near = pl.when(_is_mostly_unspaced(text)).then(far).otherwise(texts[False])
            texts = {True: far, False: near}
        for apart, column in texts.items():
            wanted = pl.Series(sorted(p for p, kind in self.left if kind == apart), dtype=pl.String)
            hits = column.str.extract_many(wanted.implode(), overlapping=True)
            held = table.select(hits.explode().drop_nulls().unique()).to_series()
            self.found |= {(one, apart) for one in held}
        self.left -= self.found

    def summary(self) -> dict[str, Any]:
        """Return counts and shares; a share of nothing is None."""
        held = [not self.found.isdisjoint(answers) for answers in self.answers]
        without = [
            row["question_id"] for row, found in zip(self.questions, held, strict=True) if not found
        ]
        return {
            "questions": len(self.questions),
            "passages": self.passages,
            "corpus_has_answer": share(sum(held), len(held)),
            "without_answer_in_corpus": without[:NAMED_QUESTIONS],
            **self._gold(),
            "questions_in_corpus": sum(
                question in self.found for question in self.question_phrases
            ),
        }

    def _gold(self) -> dict[str, Any]:
        """Return how many gold passages the corpus has, and the questions without one in it."""
        found = self.gold.results()
        passages, held = (sum(getattr(one, n) for one in found) for n in ("passages", "in_corpus"))
        without = [
            row["question_id"]
            for row, one in zip(self.questions, found, strict=True)
            if one.passages and not one.in_corpus
        ]
        return {
            "gold_passages": passages,
            "gold_in_corpus": share(held, passages),
            **count_gold(found),
            "questions_without_gold_in_corpus": len(without),
            "without_gold_in_corpus": without[:NAMED_QUESTIONS],
        }


def share(part: int, whole: int) -> float | None:
    """Return part / whole, rounded; None if whole is 0."""
    return round(part / whole, 6) if whole else None


def measure_coverage(
    questions: Sequence[Mapping[str, Any]], tables: Iterable[pl.DataFrame]
) -> dict[str, Any]:
    """Return the coverage of the questions by the tables of a corpus."""
    found = Coverage(questions)
    for table in tables:
        found.add(table)
    return found.summary()
