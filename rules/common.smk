"""What all rules share: the checked config, the grid, and the fingerprint of code.

Needs: config
Makes: CONFIG, RESULTS, CELLS, RUNS, the wildcards' values, and functions that look entries up
"""

import os
import re
import sys
from uuid import uuid4

sys.path.insert(0, os.path.join(workflow.basedir, "workflow", "scripts"))

from slmrag import grid
from slmrag.config import load
from slmrag.errors import UserError
from slmrag.fingerprint import code

try:
    CONFIG = load(config)
except UserError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{CONFIG.experiment}"
CELLS = grid.cells(CONFIG)
RUNS = grid.runs(CONFIG)


def names(entries):
    """Return a wildcard's pattern: the names of config entries and nothing else."""
    return "|".join(map(re.escape, entries)) or "(?!)"


wildcard_constraints:
    object=names(CONFIG.objects),
    corpus=names(CONFIG.corpora),
    dataset=names(CONFIG.datasets),
    retriever=names(CONFIG.retrievers),
    mode=names(CONFIG.modes),
    model=names(CONFIG.models),


def storage(wildcards, resources):
    """Return how to reach S3; asking for ``resources`` keeps it out of provenance."""
    return CONFIG.storage.params()


def hardware(table):
    """Return a param function for the hardware keys of an entry, kept out of provenance."""

    def lookup_hardware(wildcards, resources, threads):
        entry = getattr(CONFIG, f"{table}s")[wildcards[table]]
        gpus = int(resources.get("gpu", 0) or 0)
        return entry.hardware() | {"gpus": gpus, "threads": threads}

    return lookup_hardware


def entry(table):
    """Return a param function for the keys of the entry that a wildcard names."""
    return lambda wildcards: getattr(CONFIG, table)[wildcards[SINGULAR[table]]].params()


SINGULAR = {
    "objects": "object",
    "corpora": "corpus",
    "datasets": "dataset",
    "retrievers": "retriever",
    "modes": "mode",
    "models": "model",
}


def grown(megabytes):
    """Return a resource function: memory that grows with each attempt."""
    return lambda wildcards, attempt: megabytes * attempt


def template(mode):
    """Return the path of a mode's prompt template: the user's, or the one beside the Snakefile."""
    path = CONFIG.modes[mode].prompt
    beside = os.path.join(workflow.basedir, path)
    return path if os.path.exists(path) or not os.path.exists(beside) else beside


def encoder(wildcards):
    """Return the checkpoint folder of a retriever that encodes, or nothing."""
    encodes = hasattr(CONFIG.retrievers[wildcards.retriever], "encoder")
    return [f"resources/encoders/{wildcards.retriever}"] if encodes else []


def encoder_manifest(wildcards):
    """Return the manifest beside the encoder's folder, or nothing."""
    return [f"{folder}.json" for folder in encoder(wildcards)]


onstart:
    os.environ.setdefault("SLMRAG_RUN_ID", uuid4().hex)
