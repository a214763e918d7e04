"""Modes (the context of a prompt), skipped cells, and how generation is split into jobs."""

from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from slmrag.config.base import Entry, Name


class ModeEntry(Entry):
    """What a prompt holds beside the question."""

    context: Literal["none", "oracle", "retriever"] = Field(
        description="No passages, the gold passages, or a retriever's"
    )
    prompt: str = Field(description="Path of the Jinja template")
    retriever: Name | None = Field(None, description="Retriever of the passages")
    passages: PositiveInt | None = Field(
        None, description="Passages in the prompt (1 for oracle, 5 for retriever)"
    )

    @model_validator(mode="after")
    def check_context(self) -> Self:
        """Refuse a retriever without context: retriever, and the reverse."""
        if self.context == "retriever" and self.retriever is None:
            raise ValueError("context: retriever needs a retriever; name one of the retrievers")
        if self.context != "retriever" and self.retriever is not None:
            raise ValueError(f"context: {self.context} takes no retriever; remove it")
        if self.context == "none" and self.passages is not None:
            raise ValueError("context: none takes no passages; remove the key")
        return self

    def depth(self) -> int:
        """Return how many passages the prompt asks for."""
        return self.passages or {"none": 0, "oracle": 1, "retriever": 5}[self.context]

    def params(self) -> dict[str, Any]:
        """Return the keys that change the prompts; the template is an input file of the rule."""
        kept = super().params() | {"passages": self.depth()}
        return {key: value for key, value in kept.items() if key != "prompt"}


class GenerationEntry(Entry):
    """How generation is split into jobs."""

    batch: Literal["model", "cell"] = Field(
        "model", description="One job a model (one engine start), or one a cell"
    )


class SkipEntry(Entry):
    """A cell to skip."""

    dataset: Name
    mode: Name
