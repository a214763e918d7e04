"""Corpora of passages and sets of questions."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from slmrag.entries.base import Entry, Name

CorpusFormat = Literal["dpr_tsv", "kilt", "beir", "squad", "text", "jsonl", "csv", "parquet"]
DatasetFormat = Literal[
    "dpr", "nq_open", "nq_simplified", "kilt", "squad", "simpleqa", "jsonl", "csv", "parquet"
]


class ChunkEntry(Entry):
    """How documents are cut into passages."""

    by: Literal["words", "sentences"] = Field("words", description="Unit that is counted")
    size: PositiveInt = Field(100, description="Units in a passage")
    overlap: NonNegativeInt = Field(0, description="Units shared by neighbouring passages")


class CorpusEntry(Entry):
    """A corpus: passages that a retriever searches."""

    object: Name | list[Name] = Field(description="Object, or objects, that hold the documents")
    format: CorpusFormat = Field(description="How to read them")
    columns: dict[str, str] | None = Field(
        None, description="For jsonl, csv and parquet: our column (id, title, text) to theirs"
    )
    chunk: ChunkEntry | None = Field(None, description="Cut documents; null keeps them whole")
    limit: PositiveInt | None = Field(None, description="Only the first passages, for trials")


class DatasetEntry(Entry):
    """A set of questions with their reference answers."""

    object: Name = Field(description="Object that holds the questions")
    format: DatasetFormat = Field(description="How to read it")
    columns: dict[str, str] | None = Field(
        None,
        description="For jsonl, csv and parquet: our column (question_id, question, answers, gold) "
        "to theirs",
    )
    corpus: Name | None = Field(None, description="Corpus that retrievers search for this set")
    limit: PositiveInt | None = Field(
        None, description="Size of a seeded sample, stable as it grows; null takes all questions"
    )
    seed: int | None = Field(None, description="Seed of the sample (0 unless set)")
    gold: Name | None = Field(
        None, description="Object with gold passages for a set that has none of its own"
    )
    train: Name | None = Field(
        None,
        description="Object with the train set, in the same format: flags the questions whose "
        "question or answer it gives away",
    )
    gold_format: CorpusFormat | None = Field(
        None,
        description="Corpus format of the gold object, joined by passage id; null reads JSONL or "
        "CSV records with question_id, question or id",
    )
