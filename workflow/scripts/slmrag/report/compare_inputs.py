"""What two reports were made from, and what differs: config, templates, versions and contents."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slmrag.files import read_json
from slmrag.report.analysis.provenance import flatten
from slmrag.report.paper_tables import markdown_row

PART_LABELS = {
    "config": "config",
    "templates": "templates",
    "versions": "code and library versions",
    "contents": "digests of objects, checkpoints, indexes and questions",
}
ABSENT_VALUE = "absent"
LONG_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
OLD_CONFIG_TABLES = ("models", "datasets", "modes", "retrievers", "sampling", "metrics")
OLD_MISSING_KEYS = frozenset(
    {"prompt", "gpus", "mem_mb", "runtime", "gpu_memory_utilization", "max_num_seqs", "shards"}
    | {"enforce_eager", "tensor_parallel", "data_parallel", "batch_size"}
)
"""Keys of these tables that a report of an older version lacks."""
OLD_UNKNOWN_PARTS = (
    f"the config except {', '.join(OLD_CONFIG_TABLES)}",
    "hardware keys and paths of templates",
    "templates",
    "code and library versions",
    "digests of indexes and questions",
)
"""Parts that a report of an older version lacks."""
Key = tuple[str, str]
Part = dict[Key, str]


@dataclass(frozen=True)
class Origin:
    """What a report was made from: parts by (what, name); ``unknown`` names missing parts."""

    parts: Mapping[str, Part]
    templates: Mapping[str, str] = field(default_factory=dict)
    unknown: Sequence[str] = ()
    is_old: bool = False


def read_origin(path: str | Path) -> Origin:
    """Return what a report's analysis.json says that it was made from."""
    found: Mapping[str, Any] = read_json(path)
    if "versions" not in found:
        return Origin(old_origin_parts(found), unknown=OLD_UNKNOWN_PARTS, is_old=True)
    rows = {part: list(found.get(part, ())) for part in PART_LABELS}
    rows["templates"] = [row | {"name": "template"} for row in rows["templates"]]
    rows["config"] = [row for row in rows["config"] if row["what"] != "experiment"]
    texts: dict[str, str] = {}
    for row in rows["templates"]:
        texts[row["what"]] = texts.get(row["what"], "") + (row["text"] or "")
    parts = {part: values_by_name(own) for part, own in rows.items()}
    return Origin(parts, texts, [] if parts["config"] else [PART_LABELS["config"]])


def values_by_name(rows: Sequence[Mapping[str, str]]) -> Part:
    """Return a table's values by (what, name); several values of one name are joined."""
    found: dict[Key, list[str]] = {}
    for row in rows:
        found.setdefault((row["what"], row["name"]), []).append(row["value"])
    return {key: "; ".join(values) for key, values in found.items()}


def changed_values(now: Origin, before: Origin) -> Iterator[tuple[str, str, str]]:
    """Yield each value that differs, of the parts that both have: its name, before and now."""
    for part in PART_LABELS:
        if part not in now.parts or part not in before.parts:
            continue
        new, old = comparable_part(now, before, part), comparable_part(before, now, part)
        for key in dict.fromkeys((*old, *new)):
            was, is_ = old.get(key, ABSENT_VALUE), new.get(key, ABSENT_VALUE)
            if was != is_:
                yield " ".join(filter(None, key)), was, is_


def comparable_part(one: Origin, other: Origin, part: str) -> Part:
    """Return a part of one report without values that the other cannot have."""
    own = one.parts[part]
    if other.is_old and not one.is_old:
        return as_in_old_report(own, part)
    if one.is_old and not other.is_old and part == "config":
        return {
            key: v for key, v in own.items() if key in other.parts[part] or not has_old_default(key)
        }
    return dict(own)


def unknown_sentences(names: tuple[str, str], origins: Sequence[Origin]) -> Iterator[str]:
    """Yield a sentence for each report that lacks some of what it was made from."""
    for name, one in zip(names, origins, strict=True):
        if one.unknown:
            yield f"Not known for {name}, so not compared: {'; '.join(one.unknown)}."


def template_edits(now: Origin, before: Origin) -> dict[tuple[str, ...], list[str]]:
    """Return the changed lines of each template that both have and that differs, with its users."""
    users: dict[tuple[str, ...], list[str]] = {}
    for user, text in now.templates.items():
        was = before.templates.get(user, text)
        if was != text:
            lines = difflib.unified_diff(was.splitlines(), text.splitlines(), lineterm="", n=1)
            users.setdefault(tuple(lines)[2:], []).append(user)
    return {tuple(own): list(lines) for lines, own in users.items()}


def changes_markdown(names: tuple[str, str], now: Origin, before: Origin) -> list[str]:
    """Return the Markdown lines on what changed; ``names`` are of now and before."""
    found = list(changed_values(now, before))
    lacking = list(unknown_sentences(names, (now, before)))
    parts = ["## What changed", ""]
    if found:
        head = ("What", names[1], names[0]), ["---"] * 3
        parts += [*map(markdown_row, head), *map(change_row, found), ""]
    else:
        parts += [no_change_sentence(lacking), ""]
    for users, lines in template_edits(now, before).items():
        parts += [
            f"The template of {', '.join(users)}:",
            "",
            *(f"    {line}" for line in lines),
            "",
        ]
    return [*parts, *(part for sentence in lacking for part in (sentence, ""))]


def change_row(change: Sequence[str]) -> str:
    """Return one change as a line of the table: a value on one line, a digest shortened."""
    return markdown_row([LONG_DIGEST.sub(r"\1", " ".join(cell.split())) for cell in change])


def no_change_sentence(lacking: Sequence[str]) -> str:
    """Return the sentence for a comparison without differences."""
    if lacking:
        return "No differences in what both reports contain. Not everything is known, see below."
    return f"No differences: {', '.join(PART_LABELS.values())}."


def old_origin_parts(found: Mapping[str, Any]) -> dict[str, Part]:
    """Return the parts of an older report: some of the config, and digests."""
    config: Part = {}
    for row in found.get("entries", ()):
        what = f"{row['what']}.{row['name']}" if row["name"] else row["what"]
        config |= {(what, key): value for key, value in flatten(json.loads(row["value"]))}
    contents = {(row["what"], row["name"]): row["value"] for row in found.get("files", ())}
    return {"config": config, "contents": contents}


def as_in_old_report(part: Part, name: str) -> Part:
    """Return a part of a newer report with the values and names that an older one has."""
    if name == "contents":
        return {
            (what.partition("/")[2], key): value
            for (what, key), value in part.items()
            if what.startswith(("raw/", "models/"))
        }
    known = (key for key in part if key[0].partition(".")[0] in OLD_CONFIG_TABLES)
    return {key: part[key] for key in known if key[1] not in OLD_MISSING_KEYS}


def has_old_default(key: tuple[str, str]) -> bool:
    """Return whether an older report has a value for a key that is not in the config."""
    return key[0].startswith("modes.") and key[1] == "passages"
