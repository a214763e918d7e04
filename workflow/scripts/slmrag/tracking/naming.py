"""Names of a job's task, tags, parameters and artifacts; the same for every tracker."""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from slmrag.tracking.config_sections import config_sections, names_of_job

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


def task_name(start: Event) -> str:
    """Return rule and wildcards: ``score_answers qwen3/nq/no_context``."""
    return " ".join([start["rule"], "/".join(start["wildcards"].values())]).strip()


def project_name(project: str, start: Event) -> str:
    """Return ``project/experiment``."""
    return "/".join(part for part in [*project.split("/"), start["experiment"]] if part)


def task_type(start: Event) -> str:
    """Return ClearML's type of task for a rule."""
    return TASK_TYPES.get(start["rule"], "custom")


def task_tags(start: Event) -> list[str]:
    """Return ``kind:name`` for rule, experiment, and each model, data set and mode of the job."""
    pairs = {("rule", start["rule"]), ("experiment", start["experiment"])}
    if start["rule"] != "workflow":  # each run has another id
        pairs |= set(start["wildcards"].items())
    pairs |= {(kind, name) for kind, names in names_of_job(start).items() for name in names}
    return sorted(f"{kind}:{name}" for kind, name in pairs)


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
    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start["time"]))
    code = {name: value for name, value in (start.get("code") or {}).items() if name != "diff"}
    named = {
        "General": general | {"attempt": start["id"], "begun": begun},
        "Wildcards": start["wildcards"],
        "Params": start.get("params") or {},
        "Resources": start.get("resources") or {},
        "Code": code,
        **config_sections(start),
    }
    return {name: flatten(values) for name, values in named.items() if values}


def artifact_name(rule: str, name: str) -> str:
    """Return the name of a rule's output at the tracker."""
    base, _, part = name.partition("/")
    known = ARTIFACT_NAMES.get((rule, base), base)
    return f"{known}_{part}" if part else known


def memory_points(event: Event) -> Iterable[tuple[str, str, float]]:
    """Yield (title, series, value) of a memory event: GB by component, and the GPUs' percentages.

    A GB has 10^9 bytes, as in the report. Percentages have an axis of their own.
    """
    for component in ["job", *event.get("components", [])]:
        for key, value in event.items():
            if key.endswith("_bytes"):
                yield f"{MEMORY_TITLE}/{component}", SERIES_LABELS.get(key, key), value / GB
    for key, series in GPU_USE_SERIES.items():
        if event.get(key) is not None:
            yield GPU_USE_TITLE, series, event[key]


def peak_points(event: Event) -> Iterable[tuple[str, str, float]]:
    """Yield (title, series, value) of the peaks in an end event."""
    for component, peaks in {"job": event.get("peak"), **(event.get("components") or {})}.items():
        for key, value in (peaks or {}).items():
            if key in GPU_USE_SERIES:
                if component == "job":
                    yield GPU_USE_TITLE, f"{GPU_USE_SERIES[key]} peak", value
            else:
                yield PEAK_TITLE, f"{component} {SERIES_LABELS.get(key, key)}", value / GB


def progress_points(event: Event) -> Iterable[tuple[str, str, float]]:
    """Yield (title, series, value) of a progress event: what is done, its share and its rate."""
    name = event["name"]
    yield PROGRESS_TITLE, name, event["done"]
    if event.get("total"):
        yield f"{PROGRESS_TITLE} percent", name, 100 * event["done"] / event["total"]
    if event.get("per_second") is not None:
        yield RATE_TITLE, name, event["per_second"]


GB = 1e9
MEMORY_TITLE = "memory GB"
GPU_USE_TITLE = "GPU use percent"
PEAK_TITLE = "peak memory GB"
PROGRESS_TITLE = "progress"
RATE_TITLE = "per second"
GPU_USE_SERIES = {"gpu_percent": "busy", "gpu_memory_percent": "memory of the fullest GPU"}
SERIES_LABELS = {
    "rss_bytes": "CPU",
    "pss_bytes": "CPU proportional",
    "gpu_bytes": "GPU",
    "own_peak_rss_bytes": "CPU of the first process",
}
