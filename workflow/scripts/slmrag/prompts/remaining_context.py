"""The context that was left in each prompt, after passages and words were cut to fit the model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slmrag.data.has_answer import answer_matcher
from slmrag.prompts.truncation import is_cut, remaining_context

if TYPE_CHECKING:
    import polars as pl


def with_remaining_context(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Return rows with the context that was left in the prompt, and with ``has_answer_uncut``.

    ``rows`` have question, context (passages), has_answer and gold_rank before truncation, the
    references in answers, and the answers' ``TRUNCATION_COLUMNS``. A gold passage keeps its rank if
    words of it were cut. Words are those of the data: a special token in a passage is two words in
    the prompt, so one word too many may count as cut.
    """
    import polars as pl

    rows = rows.with_columns(
        has_answer_uncut="has_answer",
        gold_rank=pl.when(pl.col("gold_rank") <= pl.col("passages")).then("gold_rank"),
    )
    cut = rows.filter(is_cut())
    if not cut.height:
        return rows
    names = ("question_id", "question", "context", "has_answer")
    made = pl.DataFrame(list(map(_remaining_row, cut.to_dicts())), schema=rows.select(names).schema)
    return rows.update(made, on="question_id")


def _remaining_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was left of question, passages and has_answer in a prompt that was cut."""
    question, passages = remaining_context(
        row["question"], row["context"], row["passages"], row["words_cut"]
    )
    held = row["has_answer"]
    if held:  # what is left holds no answer that the whole did not hold
        held = any(map(answer_matcher(row["answers"]), (passage["text"] for passage in passages)))
    return {
        "question_id": row["question_id"],
        "question": question,
        "context": passages,
        "has_answer": held,
    }
