"""The rooms of the package in the order of the pipeline: none imports from a later one.

The layer test and the digests of code use these lists.
"""

ORDER = (
    "errors",
    "files",
    "config",
    "storage",
    "data",
    "models",
    "indexing",
    "retrieval",
    "prompts",
    "generation",
    "scoring",
    "report",
)
"""The ground modules and the stages."""

BESIDE_STAGES = frozenset({"dag", "job", "tracking"})
"""Rooms beside the stages: no stage imports them, except ``JOB_MODULES_OF_STAGES``."""

JOB_MODULES_OF_STAGES = frozenset({"job.events", "job.gpu_lock", "job.processes", "job.progress"})
"""Modules of ``job`` that every stage may import: events, progress bar, GPUs, and the memory of
processes, which the record of an engine's run holds."""

WATCHERS = frozenset({"errors", *BESIDE_STAGES})
"""Rooms that plan, watch or report: an edit of them reruns nothing."""

TRANSPORTS = frozenset({"storage"})
"""Rooms that move bytes whose digest is in a manifest: an edit of them reruns nothing else."""

REGISTRIES = {
    "formats": "data/formats",
    "engines": "generation/engines",
    "indexing": "indexing",
    "retrieval": "retrieval",
}
"""Packages with one module per kind: their ``__init__`` only finds it, and never counts."""
