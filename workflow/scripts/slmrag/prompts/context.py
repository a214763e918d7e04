"""The context of each question: no passage, its gold passages, or a retriever's first hits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.data.gold_match import Passage, distinct_gold, gold_rank
from slmrag.errors import UserError

if TYPE_CHECKING:
    import polars as pl

TablePaths = Sequence[str | Path]


def make_contexts(
    questions: "pl.DataFrame",
    hits: TablePaths,
    passages: TablePaths,
    entry: dict[str, Any],
    dataset: str,
) -> "pl.DataFrame":
    """Return question_id, question, passages, has_answer and gold_rank, one row per question.

    ``hits`` and ``passages`` have one path each for a retriever's context, none otherwise.
    """
    import polars as pl

    wanted = CONTEXT_SOURCES[entry["context"]](questions, hits, passages, entry, dataset)
    columns = [
        pl.Series("passages", wanted, dtype=pl.List(_passage())),
        pl.Series("has_answer", _has_answer(questions, wanted, entry), dtype=pl.Boolean),
        pl.Series("gold_rank", _gold_ranks(questions, wanted), dtype=pl.Int32),
    ]
    return questions.select("question_id", "question").with_columns(columns)


def _passage() -> Any:
    import polars as pl

    return pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})


def _none(questions: "pl.DataFrame", *_: Any) -> list[list[Passage]]:
    return [[] for _ in range(questions.height)]


def _oracle(
    questions: "pl.DataFrame",
    hits: TablePaths,
    passages: TablePaths,
    entry: dict[str, Any],
    dataset: str,
) -> list[list[Passage]]:
    """Return the data set's gold passages, each once; UserError for a question without any."""
    gold = [distinct_gold(own) for own in questions["gold"].to_list()]
    missing = [name for name, one in zip(questions["question_id"], gold, strict=True) if not one]
    if missing:
        raise UserError(
            f"datasets.{dataset}: {len(missing)} of {len(gold)} questions have no gold passage "
            f"(first: {missing[0]!r}), so there is no oracle context; give their source in "
            f"datasets.{dataset}.gold, or skip this data set in this mode"
        )
    return [one[: entry["passages"]] for one in gold]


def _retrieved(
    questions: "pl.DataFrame",
    hits: TablePaths,
    passages: TablePaths,
    entry: dict[str, Any],
    dataset: str,
) -> list[list[Passage]]:
    """Return the first hits of each question, by rank; a question may have none."""
    import polars as pl

    found = (
        pl.scan_parquet(hits[0])
        .filter(pl.col("rank") <= entry["passages"])
        .sort("question_id", "rank")
        .collect()
    )
    texts = read_passages(passages[0], found["passage_id"].unique())
    chosen: dict[str, list[Passage]] = {name: [] for name in questions["question_id"]}
    for name, passage in found.select("question_id", "passage_id").iter_rows():
        if name not in chosen or passage not in texts:
            place = "question" if name not in chosen else "passage"
            raise UserError(
                f"{hits[0]}: hit of question {name!r} and passage {passage!r} names an unknown "
                f"{place}; the hits are of another corpus or data set, delete them and run again"
            )
        chosen[name].append(texts[passage])
    return [chosen[name] for name in questions["question_id"]]


CONTEXT_SOURCES = {"none": _none, "oracle": _oracle, "retriever": _retrieved}


def read_passages(path: str | Path, ids: "pl.Series") -> dict[str, Passage]:
    """Return the passages with the given ids, reading only these."""
    import polars as pl

    rows = pl.scan_parquet(path).filter(pl.col("id").is_in(ids.implode())).collect()
    return {row["id"]: {k: row[k] for k in ("id", "title", "text")} for row in rows.to_dicts()}


def _has_answer(
    questions: "pl.DataFrame", wanted: list[list[Passage]], entry: dict[str, Any]
) -> list[bool | None]:
    """Return whether any passage has an answer; None where the mode has no context."""
    from slmrag.data.has_answer import answer_matcher

    if entry["context"] == "none":
        return [None] * len(wanted)
    tests = map(answer_matcher, questions["answers"].to_list())
    return [any(holds(p["text"]) for p in one) for holds, one in zip(tests, wanted, strict=True)]


def _gold_ranks(questions: "pl.DataFrame", wanted: list[list[Passage]]) -> list[int | None]:
    """Return the rank, from 1, of the first gold passage."""
    return [
        gold_rank(shown, gold)
        for shown, gold in zip(wanted, questions["gold"].to_list(), strict=True)
    ]
