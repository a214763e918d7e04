"""What of a set of questions a corpus holds: answers, gold passages, the questions themselves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from slmrag.gold_join import GoldJoin, counts
from slmrag.has_answer import words

END = " ?!."
MISSING = 20
"""How many questions without an answer or without gold in the corpus are named."""


def phrases(texts: pl.Expr) -> pl.Expr:
    """Return what ``has_answer.words`` makes of each text, for whole columns."""
    apart = texts.str.normalize("NFD").str.replace_all(r"([^\p{L}\p{N}\p{M}])", " $1 ")
    single = apart.str.replace_all(r"[\p{Z}\p{C}]+", " ").str.strip_chars(" ")
    return pl.format(" {} ", single).str.to_lowercase()


class Coverage:
    """Looks for phrases in tables of passages; what was found once is not looked for again."""

    def __init__(self, questions: Sequence[Mapping[str, Any]]) -> None:
        self.questions = questions
        self.answers = [{words(answer) for answer in row["answers"]} for row in questions]
        self.asked = [words(row["question"].rstrip(END)) for row in questions]
        self.gold = GoldJoin([row["gold"] for row in questions])
        self.left = {phrase for phrase in set(self.asked).union(*self.answers) if phrase.strip()}
        self.found: set[str] = set()
        self.passages = 0

    def add(self, table: pl.DataFrame) -> None:
        """Take a table of passages."""
        self.passages += table.height
        self.gold.add(table)
        if self.left:
            self._look(table)

    def _look(self, table: pl.DataFrame) -> None:
        wanted = pl.Series(sorted(self.left), dtype=pl.String)
        hits = phrases(pl.col("text")).str.extract_many(wanted.implode(), overlapping=True)
        found = set(table.select(hits.explode().drop_nulls().unique()).to_series())
        self.found |= found
        self.left -= found

    def summary(self) -> dict[str, Any]:
        """Return counts and shares; None where there is nothing to take a share of."""
        held = [not self.found.isdisjoint(answers) for answers in self.answers]
        without = [
            row["question_id"] for row, found in zip(self.questions, held, strict=True) if not found
        ]
        return {
            "questions": len(self.questions),
            "passages": self.passages,
            "corpus_has_answer": share(sum(held), len(held)),
            "without_answer_in_corpus": without[:MISSING],
            **self._gold(),
            "questions_in_corpus": sum(question in self.found for question in self.asked),
        }

    def _gold(self) -> dict[str, Any]:
        """Return how many gold passages the corpus has, and of which questions it has none."""
        found = self.gold.found()
        passages, held = (sum(getattr(one, n) for one in found) for n in ("passages", "in_corpus"))
        without = [
            row["question_id"]
            for row, one in zip(self.questions, found, strict=True)
            if one.passages and not one.in_corpus
        ]
        return {
            "gold_passages": passages,
            "gold_in_corpus": share(held, passages),
            **counts(found),
            "questions_without_gold_in_corpus": len(without),
            "without_gold_in_corpus": without[:MISSING],
        }


def share(part: int, whole: int) -> float | None:
    """Return part / whole, rounded; None for nothing of nothing."""
    return round(part / whole, 6) if whole else None


def coverage(
    questions: Sequence[Mapping[str, Any]], tables: Iterable[pl.DataFrame]
) -> dict[str, Any]:
    """Return what the tables of a corpus hold of the questions."""
    found = Coverage(questions)
    for table in tables:
        found.add(table)
    return found.summary()
