"""Names of a job's task, tags, parameters and artifacts; the same for every tracker."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Event = dict[str, Any]

TASK_TYPES = {
    "workflow": "controller",
    "download_object": "data_processing",
    "download_model": "data_processing",
    "prepare_corpus": "data_processing",
    "prepare_dataset": "data_processing",
    "index_passages": "data_processing",
    "retrieve_passages": "inference",
    "build_prompts": "data_processing",
    "generate_answers": "inference",
    "score_answers": "testing",
    "report_comparison": "qc",
}
ARTIFACT_NAMES = {
    ("score_answers", "scores"): "experiment_results",
    ("generate_answers", "answers"): "predictions",
    ("report_comparison", "html"): "report",
}
MIN_NAME_LENGTH = 3


def task_name(start: Event) -> str:
    """Return rule and wildcards: ``score_answers qwen3/nq/no_context``."""
    return " ".join([start["rule"], "/".join(start["wildcards"].values())]).strip()


def project_name(project: str, start: Event) -> str:
    """Return ``project/experiment``, each part long enough for ClearML."""
    parts = [*project.split("/"), start["experiment"]]
    return "/".join(part.ljust(MIN_NAME_LENGTH, "_") for part in parts if part)


def task_type(start: Event) -> str:
    """Return ClearML's type of task for a rule."""
    return TASK_TYPES.get(start["rule"], "custom")


def task_tags(start: Event) -> list[str]:
    """Return ``kind:name`` for rule, experiment, and each model, data set and mode of the job."""
    pairs = {("rule", start["rule"]), ("experiment", start["experiment"])}
    pairs |= set(start["wildcards"].items())
    for cell in cells_of_job(start.get("params") or {}):
        pairs |= set(cell.items())
    return sorted(f"{kind}:{name}" for kind, name in pairs)


def cells_of_job(params: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    """Yield model, data set and mode of each cell of a job, whatever the form of its params."""
    for cell in params.get("cells") or ([params["cell"]] if params.get("cell") else []):
        if isinstance(cell, Mapping):
            yield {name: str(value) for name, value in cell.items()}
        else:
            parts = cell.split("/") if isinstance(cell, str) else list(cell)
            names = ("model", "dataset", "mode")[-len(parts) :]
            yield dict(zip(names, map(str, parts), strict=False))


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested values as ``a.b`` -> text; lists and empty mappings as JSON."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return flat


def parameter_sections(start: Event) -> dict[str, dict[str, str]]:
    """Return the parameters of a job by section, flattened with dots."""
    general = {key: start.get(key) for key in ("rule", "experiment", "threads", "run", "host")}
    named = {
        "General": general | {"attempt": start["id"]},
        "Wildcards": start["wildcards"],
        "Params": start.get("params") or {},
        "Resources": start.get("resources") or {},
        "Code": start.get("code") or {},
    }
    return {name: flatten(values) for name, values in named.items() if values}


def artifact_name(rule: str, name: str) -> str:
    """Return the name of a rule's output at the tracker."""
    base, _, part = name.partition("/")
    known = ARTIFACT_NAMES.get((rule, base), base)
    return f"{known}_{part}" if part else known


def memory_points(event: Event) -> Iterable[tuple[str, str, float]]:
    """Yield (title, series, value) of a memory event: bytes by component, and percentages."""
    for component in ["job", *event.get("components", [])]:
        for key, value in event.items():
            if key.endswith(("_bytes", "_percent")):
                yield f"memory/{component}", SERIES_LABELS.get(key, key), value


SERIES_LABELS = {
    "rss_bytes": "CPU",
    "pss_bytes": "CPU proportional",
    "gpu_bytes": "GPU",
    "gpu_percent": "GPU busy percent",
    "gpu_memory_percent": "GPU memory percent",
    "peak_rss_bytes": "CPU peak",
    "peak_own_peak_rss_bytes": "CPU peak of the first process",
    "peak_pss_bytes": "CPU proportional peak",
    "peak_gpu_bytes": "GPU peak",
}
