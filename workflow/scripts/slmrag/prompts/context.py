"""The context of each question: no passage, its gold passages, or a retriever's first ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.data.gold_match import Passage, distinct_gold, gold_rank
from slmrag.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Source = Sequence[str | Path]


def contexts(
    questions: "pl.DataFrame", hits: Source, passages: Source, entry: dict[str, Any], dataset: str
) -> "pl.DataFrame":
    """Return question_id, question, passages, has_answer and gold_rank, a row a question.

    ``hits`` and ``passages`` are tables' paths, one each for a retriever's context, none otherwise.
    """
    import polars as pl

    wanted = SOURCES[entry["context"]](questions, hits, passages, entry, dataset)
    columns = [
        pl.Series("passages", wanted, dtype=pl.List(_passage())),
        pl.Series("has_answer", _answered(questions, wanted, entry), dtype=pl.Boolean),
        pl.Series("gold_rank", _gold_ranks(questions, wanted), dtype=pl.Int32),
    ]
    return questions.select("question_id", "question").with_columns(columns)


def _passage() -> Any:
    import polars as pl

    return pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})


def _none(questions: "pl.DataFrame", *_: Any) -> list[list[Passage]]:
    return [[] for _ in range(questions.height)]


def _oracle(
    questions: "pl.DataFrame", hits: Source, passages: Source, entry: dict[str, Any], dataset: str
) -> list[list[Passage]]:
    """The gold passages of the data set itself, each once; a question without any is an error."""
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
    questions: "pl.DataFrame", hits: Source, passages: Source, entry: dict[str, Any], dataset: str
) -> list[list[Passage]]:
    """The first hits of each question, in the order of their rank; no hit, no passage."""
    import polars as pl

    found = (
        pl.scan_parquet(hits[0])
        .filter(pl.col("rank") <= entry["passages"])
        .sort("question_id", "rank")
        .collect()
    )
    texts = texts_of(passages[0], found["passage_id"].unique())
    chosen: dict[str, list[Passage]] = {name: [] for name in questions["question_id"]}
    for name, passage in found.select("question_id", "passage_id").iter_rows():
        if name not in chosen or passage not in texts:
            place = "question" if name not in chosen else "passage"
            raise UserError(
                f"{hits[0]}: hit of question {name!r} and passage {passage!r} names an unknown "
                f"{place}; the retrieval is of other inputs, delete it and run again"
            )
        chosen[name].append(texts[passage])
    return [chosen[name] for name in questions["question_id"]]


SOURCES = {"none": _none, "oracle": _oracle, "retriever": _retrieved}


def texts_of(path: str | Path, ids: "pl.Series") -> dict[str, Passage]:
    """Return the passages with the given ids, reading no more of the corpus than that."""
    import polars as pl

    rows = pl.scan_parquet(path).filter(pl.col("id").is_in(ids.implode())).collect()
    return {row["id"]: {k: row[k] for k in ("id", "title", "text")} for row in rows.to_dicts()}


def _answered(
    questions: "pl.DataFrame", wanted: list[list[Passage]], entry: dict[str, Any]
) -> list[bool | None]:
    """Whether any passage's text holds an answer; null where the mode shows none by design."""
    from slmrag.data.has_answer import answer_matcher

    if entry["context"] == "none":
        return [None] * len(wanted)
    tests = map(answer_matcher, questions["answers"].to_list())
    return [any(holds(p["text"]) for p in one) for holds, one in zip(tests, wanted, strict=True)]


def _gold_ranks(questions: "pl.DataFrame", wanted: list[list[Passage]]) -> list[int | None]:
    """The rank, from 1, of the first gold passage."""
    return [
        gold_rank(shown, gold)
        for shown, gold in zip(wanted, questions["gold"].to_list(), strict=True)
    ]
