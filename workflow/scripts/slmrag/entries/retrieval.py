"""Retrievers, one class a kind, so that a key of another kind is refused."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from slmrag.entries.base import Entry


class Retriever(Entry):
    """What every retriever has; BUILD names the keys that change its index."""

    BUILD: ClassVar[frozenset[str]] = frozenset({"kind"})

    depth: PositiveInt = Field(100, description="Passages kept for each question")

    def build_params(self) -> dict[str, Any]:
        """Return the keys that are set and change the index."""
        return {key: value for key, value in self.params().items() if key in self.BUILD}

    def gpu_count(self) -> int:
        """Return the GPUs that indexing and retrieval ask for."""
        return 0

    def upstream(self) -> list[str]:
        """Return the names of the retrievers that this one combines."""
        return []


class RankBM25(Retriever):
    """rank_bm25's BM25, computed through an inverted index with the same scores."""

    BUILD: ClassVar[frozenset[str]] = frozenset({"kind", "tokenizer", "stopwords"})

    kind: Literal["rank_bm25"]
    tokenizer: Literal["words", "whitespace"] | None = Field(
        None, description="words: runs of letters and digits; whitespace: split() (words)"
    )
    stopwords: Literal["none", "english"] | None = Field(
        None, description="Words left out of passages and questions (none)"
    )
    variant: Literal["okapi", "plus", "l"] | None = Field(
        None, description="Which of rank_bm25's classes (okapi)"
    )
    k1: PositiveFloat | None = Field(None, description="Saturation of term frequency (1.5)")
    b: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Normalisation by passage length (0.75)"
    )
    epsilon: NonNegativeFloat | None = Field(
        None, description="okapi: share of the mean idf for terms in over half the passages (0.25)"
    )
    delta: NonNegativeFloat | None = Field(
        None, description="plus, l: least worth of a term (1 for plus, 0.5 for l)"
    )


class Dense(Retriever):
    """Exact search over the vectors of a transformer encoder."""

    BUILD: ClassVar[frozenset[str]] = frozenset(
        {
            "kind",
            "encoder",
            "encoder_revision",
            "pooling",
            "passage_prefix",
            "normalize",
            "max_length",
        }
    )
    HARDWARE: ClassVar[frozenset[str]] = frozenset({"batch_size", "gpus"})

    kind: Literal["dense"]
    encoder: str = Field(description="Checkpoint: hf:org/name, s3://bucket/prefix/ or a folder")
    encoder_revision: str | None = Field(None, description="Commit of an hf: checkpoint")
    pooling: Literal["mean", "cls", "last"] | None = Field(
        None, description="How token vectors become one; null takes it from the encoder"
    )
    query_prefix: str | None = Field(None, description="Text put before each question")
    passage_prefix: str | None = Field(None, description="Text put before each passage")
    normalize: bool | None = Field(None, description="Scale vectors to length one")
    max_length: PositiveInt | None = Field(None, description="Tokens kept of each text")
    batch_size: PositiveInt | None = Field(None, description="Texts encoded at once")
    gpus: NonNegativeInt | None = Field(None, description="GPUs of its jobs (0 unless set)")

    def gpu_count(self) -> int:
        """Return the GPUs that indexing and retrieval ask for."""
        return self.gpus or 0


RetrieverEntry = Annotated[RankBM25 | Dense, Field(discriminator="kind")]
