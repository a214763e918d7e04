"""Reports of an older version, which do not contain all that they were made from."""

import json
from collections.abc import Mapping
from typing import Any

from slmrag.report.analysis.provenance import flatten

TOLD_TABLES = ("models", "datasets", "modes", "retrievers", "sampling", "metrics")
UNTOLD_KEYS = frozenset(
    {"prompt", "gpus", "mem_mb", "runtime", "gpu_memory_utilization", "max_num_seqs", "shards"}
    | {"enforce_eager", "tensor_parallel", "data_parallel", "batch_size"}
)
"""Keys of these tables that such a report leaves out."""
NOT_TOLD = (
    f"the config except {', '.join(TOLD_TABLES)}",
    "hardware keys and paths of templates",
    "templates",
    "code and library versions",
    "digests of indexes and questions",
)
"""What such a report does not tell."""
OriginPart = dict[tuple[str, str], str]


def origin_parts(found: Mapping[str, Any]) -> dict[str, OriginPart]:
    """Return some of the config, and digests by names without a kind, from an analysis.json."""
    config: OriginPart = {}
    for row in found.get("entries", ()):
        what = f"{row['what']}.{row['name']}" if row["name"] else row["what"]
        config |= {(what, key): value for key, value in flatten(json.loads(row["value"]))}
    contents = {(row["what"], row["name"]): row["value"] for row in found.get("files", ())}
    return {"config": config, "contents": contents}


def as_told(part: OriginPart, name: str) -> OriginPart:
    """Return a part of a newer report as far as such a report would tell it, and by its names."""
    if name == "contents":
        return {
            (what.partition("/")[2], key): value
            for (what, key), value in part.items()
            if what.startswith(("raw/", "models/"))
        }
    known = (key for key in part if key[0].partition(".")[0] in TOLD_TABLES)
    return {key: part[key] for key in known if key[1] not in UNTOLD_KEYS}


def has_default(key: tuple[str, str]) -> bool:
    """Tell whether such a report has a value even where the config has none."""
    return key[0].startswith("modes.") and key[1] == "passages"
