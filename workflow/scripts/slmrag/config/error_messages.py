"""pydantic's errors as sentences that a user can act on."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from slmrag.config.base import Entry
from slmrag.config.redaction import redact
from slmrag.errors import nearest


def problems_message(sentences: list[str]) -> str:
    """Return all problems as one message, one a line, with secrets masked."""
    lines = ["the config has " + _counted(len(sentences)), *(f"  {s}" for s in sentences)]
    return redact("\n".join(lines))


def _counted(problems: int) -> str:
    return "one problem:" if problems == 1 else f"{problems} problems:"


def validation_sentences(error: ValidationError, model: type[Entry]) -> list[str]:
    """Return a sentence for each problem: its path, the reason, the value and the nearest name."""
    return sorted({_sentence(problem, model) for problem in error.errors(include_url=False)})


def _sentence(problem: Mapping[str, Any], model: type[Entry]) -> str:
    path = [part for part in problem["loc"] if part != "[key]"]
    known = list(_keys_at(model, path[:-1]))
    where = ".".join(str(part) for part in _path_as_typed(path))
    match problem["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key{nearest(path[-1], known) or _choices(known)}"
        case "missing":
            return f"{where}: missing; add it"
        case "union_tag_invalid":
            kinds = problem["ctx"]["expected_tags"].replace("'", "").split(", ")
            tag = problem["ctx"]["tag"]
            return f"{where}.kind: unknown kind '{tag}'{nearest(tag, kinds) or _choices(kinds)}"
        case "too_short":
            least = problem["ctx"].get("min_length", 1)
            few = "empty; add an entry" if least == 1 else f"give at least {least} entries"
            return f"{where}: {few}"
        case "string_pattern_mismatch" if "a-z" in str(problem["ctx"]["pattern"]):
            return (
                f"{where}: '{problem['input']}' is no name; use letters, digits, '_', '.' and '-', "
                "with a letter or digit first"
            )
        case "union_tag_not_found":
            return f"{where}.kind: missing; add it"
        case "model_type" | "model_attributes_type" | "dict_type":
            return (
                f"{where}: takes a table of keys (given: {problem['input']!r}); null leaves it out"
            )
        case "string_type" if problem["input"] is None:
            return f"{where}: takes a text, not null; quote it if it is a name"
        case "string_type" if isinstance(problem["input"], int | float | date):
            return f"{where}: takes a text (given: {problem['input']!r}); quote it"
    text = problem["msg"].removeprefix("Value error, ")
    value = problem.get("input")
    given = "" if isinstance(value, Mapping | list | BaseModel) else f" (given: {value!r})"
    hint = nearest(value, problem.get("ctx", {}).get("expected", "").split("'")[1::2])
    return f"{where}: {text[:1].lower()}{text[1:]}{given}{hint}"


def drop_invalid_keys(error: ValidationError, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config without the keys of entries that an error names; entries stay."""
    kept = deepcopy(dict(raw))
    for problem in error.errors(include_url=False):
        table, key = None, None
        value: Any = kept
        for depth, part in enumerate(problem["loc"]):
            if isinstance(value, dict) and part in value:
                table, key = (value, part) if depth >= 2 else (None, None)
                value = value[part]
        if table is not None:
            table.pop(key)
    return kept


def _path_as_typed(path: list[Any]) -> list[Any]:
    """Return the path as the user writes it.

    pydantic adds a retriever's kind after its name, and the form of a checkpoint (in <>) after its
    key.
    """
    path = [part for part in path if not str(part).startswith("<")]
    return path[:2] + path[3:] if path[:1] == ["retrievers"] else path


def _choices(known: list[str]) -> str:
    return f"; use one of {', '.join(sorted(known))}" if known else ""


def _keys_at(model: Any, path: list[Any]) -> Iterator[str]:
    """Yield the keys of the class at ``path``; of all kinds, if there are several."""
    for part in path:
        model = _annotation_below(model, part)
    for entry in entry_classes_in(model):
        yield from entry.model_fields


def _annotation_below(annotation: Any, part: Any) -> Any:
    """Return the annotation of key ``part`` below ``annotation``, past entry names and kinds."""
    for entry in entry_classes_in(annotation):
        if part in entry.model_fields:
            return entry.model_fields[part].annotation
        tag = entry.model_fields.get("kind")
        if tag is not None and part in getattr(tag.annotation, "__args__", ()):
            return entry
    return annotation


def entry_classes_in(annotation: Any) -> list[type[Entry]]:
    """Return the entry classes that an annotation names, through unions and containers."""
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return [annotation]
    nested = [entry_classes_in(part) for part in getattr(annotation, "__args__", ())]
    return [entry for entries in nested for entry in entries]
