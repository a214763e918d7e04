"""What stood in each prompt: of the passages chosen for it, those that the model's room left."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slmrag.data.has_answer import answer_matcher
from slmrag.prompts.truncation import is_cut, remaining_context

if TYPE_CHECKING:
    import polars as pl


def shown(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Return rows that speak of what stood in the prompt, with ``has_answer_uncut`` beside it.

    ``rows`` have question, context (passages), has_answer and gold_rank of all that was chosen,
    the references in answers, and ``TRUNCATION_COLUMNS`` as the answers' table has them. A gold
    passage keeps its rank if words of it were cut. Words are those of the data: a special token
    that a passage spells out is two words to the prompt, so that a word more may be taken for cut
    than was.
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
    made = pl.DataFrame(list(map(_shown, cut.to_dicts())), schema=rows.select(names).schema)
    return rows.update(made, on="question_id")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return question, passages and has_answer of a prompt that was cut."""
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
