"""The whole config: read, completed, checked once, with every problem in one message."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from slmrag.config.base import Entry, Name
from slmrag.config.data import CorpusEntry, DatasetEntry
from slmrag.config.error_messages import message, sentences, without
from slmrag.config.metrics import MetricsEntry
from slmrag.config.models_and_modes import (
    GenerationEntry,
    JudgeEntry,
    ModeEntry,
    ModelEntry,
    SamplingEntry,
    SkipEntry,
)
from slmrag.config.redaction import MASK, masked
from slmrag.config.references import problems_of_names, problems_of_references
from slmrag.config.retrievers import RetrieverEntry
from slmrag.config.storage import ObjectEntry, StorageEntry
from slmrag.config.tracking import TrackingEntry
from slmrag.config.yaml_scalars import meant
from slmrag.errors import UserError


class Config(Entry):
    """A comparison: models x datasets x modes, and all they need."""

    experiment: Name = Field(description="Name of the folder under results/")
    storage: StorageEntry = Field(StorageEntry(), description="How to reach S3")
    objects: dict[Name, ObjectEntry] = Field({}, description="Raw objects, by name")
    corpora: dict[Name, CorpusEntry] = Field({}, description="Corpora, by name")
    datasets: dict[Name, DatasetEntry] = Field(min_length=1, description="Question sets, by name")
    retrievers: dict[Name, RetrieverEntry] = Field({}, description="Retrievers, by name")
    modes: dict[Name, ModeEntry] = Field(min_length=1, description="Modes, by name")
    models: dict[Name, ModelEntry] = Field(min_length=1, description="Models, by name")
    sampling: SamplingEntry = Field(SamplingEntry(), description="How tokens are drawn")
    metrics: MetricsEntry = Field(MetricsEntry(), description="How answers are compared")
    generation: GenerationEntry = Field(GenerationEntry(), description="How jobs are cut")
    skip: list[SkipEntry] = Field([], description="Cells that are left out on purpose")
    judge: JudgeEntry | None = Field(None, description="A model that grades answers; off if null")
    against: Name | None = Field(None, description="Experiment that the target `compare` reads")
    expected: str | None = Field(
        None, description="Path of a JSON of expected scores that the target `verify` compares"
    )
    check_remote: bool | None = Field(
        None,
        description="Ask the sources of fetched objects and checkpoints for changes (false)",
    )
    tracking: TrackingEntry = Field(TrackingEntry(), description="Where events are sent")


def load(raw: Mapping[str, Any]) -> Config:
    """Return the config that ``raw`` describes; an entry of null is as if it were not there.

    ``raw`` holds plain values, or scalars as typed: a text is what was typed, quoted or not.
    Raises UserError with one line for each problem: its path, the value, and the nearest name.
    """
    raw = _without_nulls(meant(raw, Config))
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        found = [*sentences(error, Config), *_names_beside(error, raw)]
        raise UserError(message(found)) from None
    if problems := [*_secrets_to_put_back(raw), *problems_of_references(config)]:
        raise UserError(message(problems))
    return config


def plain(config: Config) -> dict[str, Any]:
    """Return the checked config as plain values, without the keys that are not set."""
    return config.model_dump(mode="json", exclude_none=True)


def _secrets_to_put_back(raw: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each value that was masked when the config was saved."""
    return [f"{path}: {MASK} stands for a secret; put it back" for path in masked(raw)]


def _names_beside(error: ValidationError, raw: dict[str, Any]) -> list[str]:
    """Return what is wrong with names, too, where the config is whole without the bad keys."""
    try:
        return problems_of_names(Config.model_validate(without(error, raw)))
    except ValidationError:
        return []


def _without_nulls(raw: Mapping[str, Any]) -> dict[str, Any]:
    def entries(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {str(name): entry for name, entry in table.items() if entry is not None}

    return {str(key): entries(table) for key, table in raw.items() if table is not None}
