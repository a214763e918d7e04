"""What all rules share: the checked config, the grid, and the digest of code.

Needs: TYPED_CONFIG
Makes: CONFIG, and config, the same as plain values; RESULTS, and RESULTS_FOLDER, the same with a module's
       prefix; KEYS, CELLS, RUNS, the values of wildcards; the hooks that begin and end a tracked run
"""

import os
import shutil
import tempfile
from pathlib import Path

from slmrag.dag import grid, local_files, local_sources, resource_keys
from slmrag.config.load import load, plain_values
from slmrag.dag.fingerprint import code_digest
from slmrag.job.failed_jobs import failure_lines
from slmrag.dag.config_warnings import config_warnings
from slmrag.job.attempts import MAINTENANCE_RULES
from slmrag.tracking import workflow_run as tracked_run

try:
    CONFIG = load(TYPED_CONFIG)
    LOCAL_DIGESTS = local_sources.source_digests(resource_keys.sources(CONFIG), IS_PLANNING)
    KEYS = resource_keys.keys(CONFIG, LOCAL_DIGESTS)
    if IS_PLANNING and not command_line.reads_no_source(sys.argv[1:]):
        local_files.check_local_files(CONFIG, KEYS, HERE)
        for sentence in config_warnings(CONFIG, HERE):
            logger.warning(f"warning: {sentence}")
except UserError as error:
    raise WorkflowError(str(error)) from None

# Each job parses the Snakefile again and gets this config: it is the checked one in every process.
# The config of a workflow that uses this one as a module is not changed.
RESULTS = f"results/{CONFIG.experiment}"
RESULTS_FOLDER = with_module_prefix(RESULTS)
if IS_MODULE:
    config = plain_values(CONFIG) | {"results": RESULTS_FOLDER}
else:
    config.clear()
    config.update(plain_values(CONFIG))

ENTRY_NAMES = KEYS.entries()
CELLS = grid.cells(CONFIG)
RUNS = grid.runs(CONFIG)


pathvars:
    results=RESULTS,


wildcard_constraints:
    object=grid.pattern(KEYS.objects.values()),
    corpus=grid.pattern(KEYS.corpora.values()),
    dataset=grid.pattern(CONFIG.datasets),
    retriever=grid.pattern(CONFIG.retrievers),
    mode=grid.pattern(CONFIG.modes),
    model=grid.pattern(CONFIG.models),
    shard=r"\d+",
    shards=r"\d+",


if CONFIG.check_remote and IS_PLANNING:
    from slmrag.dag.remote_changes import describe_changes

    taken = resource_keys.downloads(CONFIG, KEYS)
    there = [one._replace(manifest=with_module_prefix(one.manifest)) for one in taken]
    for sentence in describe_changes(there, CONFIG.storage.params()):
        logger.warning(sentence)


def check_commands():
    """Refuse to start a run on Slurm if Slurm's commands are missing."""
    absent = [name for name in ("sbatch", "squeue", "scancel") if shutil.which(name) is None]
    if executor() == "slurm" and absent:
        raise WorkflowError(
            f"--profile slurm needs {', '.join(absent)}, not found on this machine: start "
            "snakemake on a login node of the cluster, or here with --cores all and no profile"
        )


def check_results_folder():
    """Refuse to start a run that cannot write its results."""
    try:
        os.makedirs(RESULTS_FOLDER, exist_ok=True)
        with tempfile.TemporaryFile(dir=RESULTS_FOLDER) as file:
            file.write(bytes(100_000))
    except OSError as error:
        raise WorkflowError(
            f"{RESULTS_FOLDER} cannot be written: {error.strerror}; correct that, or start in another folder"
        ) from None


def log_failures():
    """Log why jobs failed that ran on other machines: their messages are only in their logs."""
    if executor() != "local":
        for sentence in failure_lines(Path(RESULTS_FOLDER, "jobs")):
            logger.error(sentence)


def is_comparison():
    """Tell whether this run makes the comparison, and is not only for maintenance."""
    return not rules_to_run() <= MAINTENANCE_RULES


onstart:
    if is_comparison():
        check_commands()
        check_results_folder()
        tracked_run.start(config)


onsuccess:
    if is_comparison():
        tracked_run.finish(config, "completed")


onerror:
    if is_comparison():
        log_failures()
        tracked_run.finish(config, "failed")
