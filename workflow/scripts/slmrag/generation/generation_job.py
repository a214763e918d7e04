"""A model and how it is run: from its config entry to the config of its engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slmrag.config.sampling import Sampling
from slmrag.generation.answer_extraction import AnswerExtractor
from slmrag.generation.engines import engine
from slmrag.generation.engines.base import Engine, EngineConfig
from slmrag.models.checkpoint import Checkpoint
from slmrag.prompts.prompt_formatter import PromptFormatter


@dataclass
class GenerationJob:
    """A model's entry, merged with what all models share, and where its files are."""

    entry: Mapping[str, Any]
    sampling: Sampling
    hardware: Mapping[str, Any]
    folder: Path | None = None
    manifest: Path | None = None
    adapter: Path | None = None

    @classmethod
    def of(cls, input: Any, params: Any) -> "GenerationJob":
        """Read it out of a job's input and params."""
        return cls(
            entry=params.model,
            sampling=Sampling.of(params.model, params.sampling),
            hardware=dict(getattr(params, "hardware", None) or {}),
            folder=next(map(Path, input.checkpoint), None),
            manifest=next(map(Path, input.manifest), None),
            adapter=next(map(Path, getattr(input, "adapter", [])), None),
        )

    @cached_property
    def engine(self) -> type[Engine]:
        """The class of the engine."""
        return engine(self.entry["engine"])

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """The model's files, where the engine loads any."""
        return Checkpoint(self.folder) if self.folder else None

    @cached_property
    def formatter(self) -> PromptFormatter:
        """The formatter that turns rows into prompts for this model."""
        limit, remote = self.sampling.max_tokens, self.engine.REMOTE
        return PromptFormatter(self.entry, limit, self.checkpoint, remote)

    @cached_property
    def engine_config(self) -> EngineConfig:
        """The config that the engine is started with."""
        return EngineConfig(
            entry=self.entry,
            sampling=self.sampling._replace(stop=()) if self.late_stop else self.sampling,
            checkpoint=self.folder,
            hardware=self.hardware,
            adapter=self.adapter,
            max_model_len=self.formatter.max_model_len,
            chat=self.formatter.chat or self.formatter.remote_chat,
            dropped_tokens=self.formatter.dropped_tokens,
        )

    @property
    def late_stop(self) -> tuple[str, ...]:
        """The stop strings that count only after the reasoning: no engine gets them."""
        return self.sampling.stop if self.sampling.stop and self.formatter.reasons else ()

    @property
    def extractor(self) -> AnswerExtractor:
        """The extractor of answers from what the model wrote."""
        return AnswerExtractor(self.entry.get("reasoning"), self.late_stop)
