"""The rooms of the package, in the order of the pipeline: none imports from one that comes later.

The test of layers and the digests of code go by these lists.
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
"""The stages, after the ground that they stand on."""

BESIDE_STAGES = frozenset({"dag", "job", "tracking"})
"""What stands beside the stages: no stage imports it, but for what is ``JOB_MODULES_OF_STAGES``."""

JOB_MODULES_OF_STAGES = frozenset({"job.events", "job.gpu_lock", "job.processes", "job.progress"})
"""What every stage may use of a job: its events, its bar, which GPUs there are, and the memory of
its processes, which the record of an engine's run holds."""

WATCHERS = frozenset({"errors", *BESIDE_STAGES})
"""Rooms that plan, look on or speak: an edit of them reruns nothing."""

TRANSPORTS = frozenset({"storage"})
"""Rooms that move bytes whose digest a manifest records: an edit of them reruns nothing else."""

REGISTRIES = {
    "formats": "data/formats",
    "engines": "generation/engines",
    "indexing": "indexing",
    "retrieval": "retrieval",
}
"""Packages of one module a kind: their ``__init__`` only finds it, and so counts nowhere."""
