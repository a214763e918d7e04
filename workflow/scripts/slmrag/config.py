"""The whole config: read, completed, checked once, with every problem in one message."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from slmrag.entries.base import Entry, Name
from slmrag.entries.data import CorpusEntry, DatasetEntry
from slmrag.entries.generation import (
    GenerationEntry,
    ModeEntry,
    ModelEntry,
    SamplingEntry,
    SkipEntry,
)
from slmrag.entries.metrics import MetricsEntry
from slmrag.entries.retrieval import RetrieverEntry
from slmrag.entries.storage import ObjectEntry, StorageEntry
from slmrag.entries.tracking import TrackingEntry
from slmrag.errors import UserError, nearest
from slmrag.references import problems_of_references


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
    tracking: TrackingEntry = Field(TrackingEntry(), description="Where events are sent")


def load(raw: Mapping[str, Any]) -> Config:
    """Return the config that ``raw`` describes; an entry of null is as if it were not there.

    Raises UserError with one line for each problem: its path, the value, and the nearest name.
    """
    try:
        config = Config.model_validate(_without_nulls(raw))
    except ValidationError as error:
        raise UserError(_message(_sentences(error))) from None
    if problems := problems_of_references(config):
        raise UserError(_message(problems))
    return config


def schema() -> dict[str, Any]:
    """Return the JSON schema of the config, as kept in config/schema.json."""
    return Config.model_json_schema()


def _without_nulls(raw: Mapping[str, Any]) -> dict[str, Any]:
    def entries(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {str(name): entry for name, entry in table.items() if entry is not None}

    return {str(key): entries(table) for key, table in raw.items() if table is not None}


def _message(sentences: list[str]) -> str:
    return "\n".join(["the config has " + _count(len(sentences)), *(f"  {s}" for s in sentences)])


def _count(problems: int) -> str:
    return "one problem:" if problems == 1 else f"{problems} problems:"


def _sentences(error: ValidationError) -> list[str]:
    return sorted({_sentence(problem) for problem in error.errors(include_url=False)})


def _sentence(problem: Mapping[str, Any]) -> str:
    path = [part for part in problem["loc"] if part != "[key]"]
    known = list(_keys_at(Config, path[:-1]))
    where = ".".join(str(part) for part in _shown(path))
    match problem["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key{nearest(path[-1], known) or _choices(known)}"
        case "missing":
            return f"{where}: missing; add it"
        case "union_tag_invalid":
            kinds = problem["ctx"]["expected_tags"].replace("'", "").split(", ")
            tag = problem["ctx"]["tag"]
            return f"{where}.kind: unknown kind '{tag}'{nearest(tag, kinds) or _choices(kinds)}"
        case "union_tag_not_found":
            return f"{where}.kind: missing; add it"
    text = problem["msg"].removeprefix("Value error, ")
    value = problem.get("input")
    given = "" if isinstance(value, Mapping | list | BaseModel) else f" (given: {value!r})"
    hint = nearest(value, problem.get("ctx", {}).get("expected", "").split("'")[1::2])
    return f"{where}: {text[:1].lower()}{text[1:]}{given}{hint}"


def _shown(path: list[Any]) -> list[Any]:
    """Return the path as the user writes it: pydantic puts a retriever's kind behind its name."""
    return path[:2] + path[3:] if path[:1] == ["retrievers"] else path


def _choices(known: list[str]) -> str:
    return f"; use one of {', '.join(sorted(known))}" if known else ""


def _keys_at(model: Any, path: list[Any]) -> Iterator[str]:
    """Yield the keys that the classes at ``path`` know; of all kinds, where there are several."""
    for part in path:
        model = _child(model, part)
    for entry in _entries_in(model):
        yield from entry.model_fields


def _child(annotation: Any, part: Any) -> Any:
    """Return the annotation of key ``part`` below ``annotation``; names and kinds pass through."""
    for entry in _entries_in(annotation):
        if part in entry.model_fields:
            return entry.model_fields[part].annotation
        tag = entry.model_fields.get("kind")
        if tag is not None and part in getattr(tag.annotation, "__args__", ()):
            return entry
    return annotation


def _entries_in(annotation: Any) -> list[type[Entry]]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return [annotation]
    nested = [_entries_in(part) for part in getattr(annotation, "__args__", ())]
    return [entry for entries in nested for entry in entries]
