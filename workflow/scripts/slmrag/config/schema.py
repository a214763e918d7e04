"""The config as a whole: one class, a table or a key a field."""

from pydantic import Field

from slmrag.config.base import Entry, Name
from slmrag.config.data import CorpusEntry, DatasetEntry
from slmrag.config.metrics import MetricsEntry
from slmrag.config.models import JudgeEntry, ModelEntry, SamplingEntry
from slmrag.config.modes import GenerationEntry, ModeEntry, SkipEntry
from slmrag.config.retrievers import RetrieverEntry
from slmrag.config.storage import ObjectEntry, StorageEntry
from slmrag.config.tracking import TrackingEntry


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
    sampling: SamplingEntry = Field(SamplingEntry(), description="Decoding (sampling) parameters")
    metrics: MetricsEntry = Field(MetricsEntry(), description="How answers are compared")
    generation: GenerationEntry = Field(
        GenerationEntry(), description="How generation is split into jobs"
    )
    skip: list[SkipEntry] = Field([], description="Cells to skip")
    judge: JudgeEntry | None = Field(
        None, description="A judge model that grades answers; null: off"
    )
    against: Name | None = Field(
        None, description="Experiment that `compare` compares this one with"
    )
    expected: str | None = Field(
        None, description="JSON file of expected scores that `verify` compares"
    )
    check_remote: bool | None = Field(
        None,
        description="Check whether the sources of downloads have changed (false)",
    )
    tracking: TrackingEntry = Field(TrackingEntry(), description="Where events are uploaded")
