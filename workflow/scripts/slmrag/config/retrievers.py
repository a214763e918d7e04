"""Retrievers: one class per kind, so that a key of another kind is refused."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from slmrag.config.base import Entry, Name
from slmrag.config.checkpoints import Checkpoint
from slmrag.config.custom_retrievers import entry_classes, registered_kinds

Tokenizer = Literal["words", "whitespace"]
Stopwords = Literal["none", "english"]
Share = Annotated[float, Field(ge=0, le=1)]


GPUS_FIELD = Field(
    None,
    description="GPUs of its jobs; 0: the CPU, without a warning about an idle GPU; unset: the CPU",
)
ALLOW_PICKLE_FIELD = Field(
    None,
    description="Load pytorch_model*.bin if there are no safetensors (DPR, Contriever): torch "
    "reads only the tensors and runs no code (false)",
)


class Retriever(Entry):
    """What every retriever has; BUILD has the keys that change its index."""

    BUILD: ClassVar[frozenset[str]] = frozenset({"kind"})
    ONLY_WITH: ClassVar[Mapping[str, tuple[str, set[str]]]] = {}
    """Keys that have an effect only if another key has one of these values."""
    USES_LANGUAGE: ClassVar[bool] = False
    """Whether the corpus's language changes how texts become terms."""

    depth: PositiveInt = Field(100, description="Passages kept for each question")

    @model_validator(mode="after")
    def refuse_keys_without_effect(self) -> Self:
        """Refuse a key that has no effect."""
        for key, (other, values) in self.ONLY_WITH.items():
            if getattr(self, key) is not None and getattr(self, other) not in values:
                raise ValueError(f"{key} is for {other}: {' or '.join(sorted(values))}; remove it")
        return self

    def build_params(self) -> dict[str, Any]:
        """Return the keys that are set and change the index."""
        return {key: value for key, value in self.params().items() if key in self.BUILD}

    def gpu_count(self) -> int:
        """Return the number of GPUs for indexing and retrieval; 0 for kinds that use none."""
        return getattr(self, "gpus", None) or 0

    def upstream(self) -> list[str]:
        """Return the names of the retrievers that this one combines."""
        of = getattr(self, "of", None) or []
        return [of] if isinstance(of, str) else list(of)

    def checkpoints(self) -> set[str]:
        """Return the keys that name a checkpoint to be downloaded."""
        keys = ("encoder", "query_encoder")
        return {key for key in keys if getattr(self, key, None) not in (None, "hashing")}

    def shard_count(self) -> int:
        """Return how many jobs share the encoding of a corpus."""
        return getattr(self, "shards", None) or 1


class RankBM25(Retriever):
    """rank_bm25's BM25, computed through an inverted index with the same scores."""

    BUILD: ClassVar[frozenset[str]] = frozenset({"kind", "tokenizer", "stopwords"})
    ONLY_WITH: ClassVar[Mapping[str, tuple[str, set[str]]]] = {"delta": ("variant", {"plus", "l"})}
    USES_LANGUAGE: ClassVar[bool] = True

    kind: Literal["rank_bm25"]
    tokenizer: Tokenizer | None = Field(
        None, description="words: runs of letters and digits; whitespace: split() (words)"
    )
    stopwords: Stopwords | None = Field(
        None, description="Words left out of passages and questions (none)"
    )
    variant: Literal["okapi", "plus", "l"] | None = Field(
        None, description="Which of rank_bm25's classes (okapi)"
    )
    k1: PositiveFloat | None = Field(None, description="Saturation of term frequency (1.5)")
    b: Share | None = Field(None, description="Normalization by passage length (0.75)")
    epsilon: NonNegativeFloat | None = Field(
        None, description="okapi: share of the mean idf for terms in over half the passages (0.25)"
    )
    delta: NonNegativeFloat | None = Field(
        None, description="plus, l: least worth of a term (1 for plus, 0.5 for l)"
    )


class BM25S(Retriever):
    """BM25 by the bm25s library; its scores are fixed when the index is built."""

    BUILD: ClassVar[frozenset[str]] = frozenset(
        {"kind", "tokenizer", "stopwords", "method", "k1", "b", "delta"}
    )
    ONLY_WITH: ClassVar[Mapping[str, tuple[str, set[str]]]] = {
        "delta": ("method", {"bm25l", "bm25+"})
    }
    USES_LANGUAGE: ClassVar[bool] = True

    kind: Literal["bm25s"]
    tokenizer: Tokenizer | None = Field(None, description="As of rank_bm25 (words)")
    stopwords: Stopwords | None = Field(None, description="As of rank_bm25 (none)")
    method: Literal["robertson", "lucene", "atire", "bm25l", "bm25+"] | None = Field(
        None, description="Which BM25 (lucene)"
    )
    k1: PositiveFloat | None = Field(None, description="Saturation of term frequency (1.5)")
    b: Share | None = Field(None, description="Normalization by passage length (0.75)")
    delta: NonNegativeFloat | None = Field(
        None, description="bm25l, bm25+: least worth of a term (0.5)"
    )


class Lucene(Retriever):
    """BM25 of Lucene by Anserini, from pyserini's jar in a Java of its own."""

    BUILD: ClassVar[frozenset[str]] = frozenset({"kind", "stemmer", "keep_stopwords"})
    USES_LANGUAGE: ClassVar[bool] = True

    kind: Literal["lucene"]
    stemmer: Literal["porter", "krovetz", "none"] | None = Field(
        None, description="Stemmer of Anserini's English analyzer (porter)"
    )
    keep_stopwords: bool | None = Field(None, description="Index stop words too (false)")
    k1: NonNegativeFloat | None = Field(None, description="Saturation of term frequency (0.9)")
    b: Share | None = Field(None, description="Normalization by passage length (0.4)")


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
            "ann",
        }
    )
    HARDWARE: ClassVar[frozenset[str]] = frozenset({"batch_size", "gpus", "shards"})
    ONLY_WITH: ClassVar[Mapping[str, tuple[str, set[str]]]] = {
        "ef_search": ("ann", {"hnsw"}),
        "nprobe": ("ann", {"ivf"}),
    }

    kind: Literal["dense"]
    encoder: Checkpoint = Field(
        description="Checkpoint: hf:org/name, s3://bucket/prefix/, a folder, or a table {uri, …} "
        "with keys of its own for S3; hashing: a stand-in",
    )
    encoder_revision: str | None = Field(None, description="Commit of an hf: checkpoint")
    allow_pickle: bool | None = ALLOW_PICKLE_FIELD
    query_encoder: Checkpoint | None = Field(
        None, description="Checkpoint for questions, where it is not the passages' (DPR)"
    )
    query_encoder_revision: str | None = Field(None, description="Commit of an hf: checkpoint")
    pooling: Literal["mean", "cls", "last"] | None = Field(
        None, description="How token vectors become one; null takes it from the encoder"
    )
    query_prefix: str | None = Field(None, description="Text put before each question")
    passage_prefix: str | None = Field(None, description="Text put before each passage")
    normalize: bool | None = Field(None, description="Scale vectors to length one")
    max_length: PositiveInt | None = Field(
        None,
        description="Tokens read of each text; longer texts are counted and reported (the "
        "encoder's own setting, its tokenizer's limit or 512)",
    )
    ann: Literal["exact", "hnsw", "ivf"] | None = Field(
        None, description="Search all vectors, or approximately by FAISS (exact)"
    )
    ef_search: PositiveInt | None = Field(None, description="hnsw: width of the search (128)")
    nprobe: PositiveInt | None = Field(None, description="ivf: lists that are searched (64)")
    batch_size: PositiveInt | None = Field(None, description="Texts encoded at once")
    shards: PositiveInt | None = Field(None, description="Jobs that share the encoding (1)")
    gpus: NonNegativeInt | None = GPUS_FIELD

    @model_validator(mode="after")
    def refuse_encoder_beside_hashing(self) -> Self:
        """Refuse a query encoder beside the stand-in ``hashing``."""
        if self.encoder == "hashing" and self.query_encoder is not None:
            raise ValueError("query_encoder has no use beside encoder: hashing; remove it")
        return self


class RRF(Retriever):
    """Reciprocal rank fusion of other retrievers' hits."""

    BUILD: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["rrf"]
    of: list[Name] = Field(min_length=2, description="Retrievers whose hits are fused")
    k: PositiveFloat | None = Field(None, description="Constant k of RRF (60)")

    @field_validator("of")
    @classmethod
    def refuse_repetitions(cls, of: list[str]) -> list[str]:
        """Refuse a retriever named twice: it would count twice."""
        if twice := sorted({name for name in of if of.count(name) > 1}):
            raise ValueError(f"names {', '.join(twice)} twice; name each retriever once")
        return of


class Rerank(Retriever):
    """Another retriever's hits, reranked by a cross-encoder."""

    BUILD: ClassVar[frozenset[str]] = frozenset()
    HARDWARE: ClassVar[frozenset[str]] = frozenset({"batch_size", "gpus"})

    kind: Literal["rerank"]
    of: Name = Field(description="Retriever whose hits are reranked")
    encoder: Checkpoint = Field(
        description="Cross-encoder: hf:org/name, s3://bucket/prefix/, a folder, or a table "
        "{uri, …} with keys of its own for S3"
    )
    encoder_revision: str | None = Field(None, description="Commit of an hf: checkpoint")
    allow_pickle: bool | None = ALLOW_PICKLE_FIELD

    @field_validator("encoder")
    @classmethod
    def refuse_hashing(cls, encoder: Any) -> Any:
        """Refuse the stand-in ``hashing``, which is no cross-encoder."""
        if encoder == "hashing":
            raise ValueError("hashing is no cross-encoder; name one, as hf:org/name")
        return encoder

    candidates: PositiveInt | None = Field(
        None, description="How many of its hits are reranked (all)"
    )
    max_length: PositiveInt | None = Field(
        None,
        description="Tokens read of question and passage; longer pairs are counted and reported "
        "(the tokenizer's limit or 512)",
    )
    batch_size: PositiveInt | None = Field(None, description="Pairs read at once")
    gpus: NonNegativeInt | None = GPUS_FIELD


BuiltinEntry = RankBM25 | BM25S | Lucene | Dense | RRF | Rerank

if TYPE_CHECKING:
    RetrieverEntry = BuiltinEntry
else:  # with the classes of custom kinds
    builtin_kinds = {
        get_args(each.model_fields["kind"].annotation)[0] for each in get_args(BuiltinEntry)
    }
    custom_entries = entry_classes(
        [kind for kind in registered_kinds() if kind not in builtin_kinds], Retriever
    )
    RetrieverEntry = Annotated[
        reduce(or_, [BuiltinEntry, *custom_entries]), Field(discriminator="kind")
    ]
