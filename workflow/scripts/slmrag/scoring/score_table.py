"""The table of scores: one row per question, from the answers and their prompts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slmrag.errors import UserError
from slmrag.prompts.remaining_context import with_remaining_context
from slmrag.prompts.truncation import TRUNCATION_COLUMNS
from slmrag.scoring.failure_classes import AnswerRecord, classify_failure, is_answered
from slmrag.scoring.metric_variants import score_variants
from slmrag.scoring.qa_metrics import score_answers

if TYPE_CHECKING:
    import polars as pl

KEPT_COLUMNS = (
    *("has_answer", "has_answer_uncut", "gold_rank", *TRUNCATION_COLUMNS),
    *("failure", "finish_reason", "generated_tokens"),
)


def join_answers(
    answers: "pl.DataFrame", questions: "pl.DataFrame", prompts: "pl.DataFrame", path: str
) -> "pl.DataFrame":
    """Return the answers, in their order, with their references and the context in their prompts.

    UserError unless each question has exactly one answer.
    """
    ids = answers["question_id"]
    _refuse(f"{path}: question {{}} is answered twice", ids.filter(ids.is_duplicated()))
    for other, name in ((questions, "questions"), (prompts, "prompts")):
        theirs = other["question_id"]
        missing = ids.filter(~ids.is_in(theirs.implode()))
        _refuse(f"{path}: the answered question {{}} is not among the {name}", missing)
        unanswered = theirs.filter(~theirs.is_in(ids.implode()))
        _refuse(f"{path}: question {{}} has no answer", unanswered)
    chosen = ("question_id", "question", "has_answer", "gold_rank")
    prompts = prompts.select(*chosen, context="passages")
    references = questions.select("question_id", "answers")
    rows = answers.join(references, on="question_id", how="left", maintain_order="left")
    return with_remaining_context(
        rows.join(prompts, on="question_id", how="left", maintain_order="left")
    )


def _refuse(sentence: str, ids: "pl.Series") -> None:
    if len(ids):
        raise UserError(f"{sentence.format(repr(ids[0]))}; delete the file and run again")


def score_rows(
    rows: "pl.DataFrame", variants: Sequence[str] = (), language: str | None = None
) -> "pl.DataFrame":
    """Return the scores table of rows with answer, raw_answer, answers, question and context.

    ``variants`` names other people's metrics (see slmrag.scoring.metric_variants) that are
    wanted beside ours, some of them by the answers' language.
    A prompt that an endpoint refused scores 0 in all, also where an empty answer would not.
    """
    import polars as pl

    rows = rows.with_columns(pl.col("answer", "raw_answer").fill_null(""))
    references = rows["answers"].to_list()
    answers = rows["answer"].to_list()
    others = score_variants(answers, references, variants, language)
    columns = score_answers(answers, references) | others
    raw = score_answers(rows["raw_answer"].to_list(), references)["token_recall"]
    columns = {**columns, "raw_token_recall": raw}
    failures = [classify_failure(completion) for completion in answer_records(rows)]
    return rows.with_columns(
        *(
            pl.Series(name, values, dtype=pl.Float64) * is_answered().cast(pl.Float64)
            for name, values in columns.items()
        ),
        pl.Series("failure", failures, dtype=pl.String),
    ).select("question_id", *columns, *KEPT_COLUMNS)


def answer_records(rows: "pl.DataFrame") -> list[AnswerRecord]:
    """Return the record of each answer, for the tests of failures."""
    texts = [[passage["text"] for passage in own] for own in rows["context"].to_list()]
    names = ("raw_answer", "answer", "finish_reason", "question")
    columns = (rows[name].to_list() for name in names)
    reasoning = rows["reasoning"] if "reasoning" in rows.columns else [None] * rows.height
    return [AnswerRecord(*row) for row in zip(*columns, texts, reasoning, strict=True)]
