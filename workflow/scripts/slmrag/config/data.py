"""Corpora of passages and sets of questions."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from slmrag.config import csv_dialect
from slmrag.config.base import Entry, Name
from slmrag.config.languages import canonical_code
from slmrag.errors import nearest

CorpusFormat = Literal["dpr_tsv", "kilt", "beir", "squad", "text", "jsonl", "csv", "parquet"]
DatasetFormat = Literal[
    "dpr",
    "dpr_qa",
    "nq_open",
    "nq_simplified",
    "kilt",
    "squad",
    "simpleqa",
    "jsonl",
    "csv",
    "parquet",
]


Language = Annotated[str, AfterValidator(canonical_code)]
"""A code such as en, zh or pt-BR."""

StrippedText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

MAPPED_FORMATS = {"jsonl", "csv", "parquet"}
PASSAGE_COLUMNS = ("id", "title", "text")
QUESTION_COLUMNS = ("question_id", "question", "answers", "gold")


def check_columns(columns: dict[str, str] | None, format: str, ours: tuple[str, ...]) -> None:
    """Refuse a mapping of columns if the format fixes them, or if it maps an unknown column."""
    if columns and format not in MAPPED_FORMATS:
        raise ValueError(
            f"columns are for {', '.join(sorted(MAPPED_FORMATS))}; {format} has its own"
        )
    for name in columns or {}:
        if name not in ours:
            hint = nearest(name, ours) or f"; ours are {', '.join(ours)}"
            raise ValueError(f"columns: '{name}' is none of our columns{hint}")


class ChunkEntry(Entry):
    """How documents are cut into passages."""

    by: Literal["words", "sentences"] = Field("words", description="Unit that is counted")
    size: PositiveInt = Field(100, description="Units in a passage")
    overlap: NonNegativeInt = Field(0, description="Units shared by neighboring passages")

    @model_validator(mode="after")
    def refuse_full_overlap(self) -> Self:
        """Refuse an overlap as large as a chunk: the next chunk would be the same."""
        if self.overlap >= self.size:
            raise ValueError("overlap must be smaller than size")
        return self


class CorpusEntry(Entry):
    """A corpus: passages that a retriever searches."""

    object: Name | Annotated[list[Name], Field(min_length=1)] = Field(
        description="Object, or objects, that hold the documents"
    )
    format: CorpusFormat = Field(description="How to read them")
    columns: dict[str, str] | None = Field(
        None,
        description="For jsonl, csv and parquet: our column (id, title, text) to theirs, in jsonl "
        "and parquet by a dotted name what is inside an object (`doc.body`)",
    )
    separator: csv_dialect.Separator | None = csv_dialect.separator_field()
    quoting: csv_dialect.Quoting | None = csv_dialect.quoting_field()
    header: csv_dialect.Header | None = csv_dialect.header_field()
    chunk: ChunkEntry | None = Field(None, description="Cut documents; null keeps them whole")
    limit: PositiveInt | None = Field(None, description="Only the first passages, for trials")
    language: Language | None = Field(
        None,
        description="Code of the passages' language (en, zh, pt-BR): how BM25 splits words and "
        "`chunk` sentences, docs/languages.md; unset goes by the script",
    )

    @model_validator(mode="after")
    def check_columns_and_dialect(self) -> Self:
        """Refuse columns that nothing reads, and CSV keys that the format fixes."""
        check_columns(self.columns, self.format, PASSAGE_COLUMNS)
        csv_dialect.check_dialect(self)
        return self

    def objects(self) -> list[str]:
        """Return the names of the objects that it is made from."""
        return [self.object] if isinstance(self.object, str) else list(self.object)

    def build_params(self) -> dict[str, Any]:
        """Return the keys that are set: all of them change the passages."""
        return self.params()


class DatasetEntry(Entry):
    """A set of questions with their reference answers."""

    object: Name = Field(description="Object that holds the questions")
    format: DatasetFormat = Field(description="How to read it")
    columns: dict[str, str] | None = Field(
        None,
        description="For jsonl, csv and parquet: our column (question_id, question, answers, gold) "
        "to theirs, in jsonl and parquet by a dotted name what is inside an object "
        "(`answers.text`)",
    )
    separator: csv_dialect.Separator | None = csv_dialect.separator_field()
    quoting: csv_dialect.Quoting | None = csv_dialect.quoting_field()
    header: csv_dialect.Header | None = csv_dialect.header_field()
    corpus: Name | None = Field(None, description="Corpus that retrievers search for this set")
    limit: PositiveInt | None = Field(
        None,
        description="Size of a nested random sample: a larger limit keeps the smaller sample; "
        "null takes all",
    )
    seed: int | None = Field(None, description="Seed of the sample (0)")
    wordless_answers: Literal["refuse", "drop", "keep"] | None = Field(
        None,
        description="Questions whose answers have no word but an article (NQ-open has two, --- and "
        "a bracket): refuse, drop, or keep all answers, for retrieval alone (refuse)",
    )
    unanswerable: Literal["refuse", "drop"] | None = Field(
        None,
        description="Questions without an answer: refuse, or drop and count them (drop for squad "
        "and nq_simplified, whose files say which they are, else refuse)",
    )
    no_answer: StrippedText | None = Field(
        None,
        description="A text among the answers that means none (MS MARCO's `No Answer Present.`): "
        "it is no answer, and a question without another is unanswerable",
    )
    gold: Name | None = Field(
        None, description="Object with gold passages for a set that has none of its own"
    )
    train: Name | None = Field(
        None,
        description="Object with the train set, in the same format: adds the column `overlap`, "
        "what of a question occurs in it (question, answer or none)",
    )
    language: Language | None = Field(
        None,
        description="Code of the answers' language (en, zh, pt-BR), for the metrics that know it: "
        "metrics.variants mlqa, unicode",
    )
    gold_format: CorpusFormat | None = Field(
        None,
        description="Corpus format of the gold object, joined by passage id; null reads JSONL, "
        "CSV, TSV or Parquet records with question_id, question or id",
    )

    @model_validator(mode="after")
    def check_columns_and_dialect(self) -> Self:
        """Refuse columns that nothing reads, and CSV keys that the format fixes."""
        check_columns(self.columns, self.format, QUESTION_COLUMNS)
        csv_dialect.check_dialect(self)
        return self

    def objects(self) -> list[str]:
        """Return the names of the objects that it is made from."""
        return [name for name in (self.object, self.gold, self.train) if name]

    def build_params(self) -> dict[str, Any]:
        """Return the keys that are set and change the questions: all but the corpus."""
        return {key: value for key, value in self.params().items() if key != "corpus"}

    def formats(self) -> tuple[str, ...]:
        """Return the formats that are read: of the questions, and of their gold passages."""
        return tuple(dict.fromkeys(filter(None, (self.format, self.gold_format))))
