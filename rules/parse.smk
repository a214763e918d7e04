"""Runs first: puts our package on the path, and reads the config's files strictly.

Needs: the config files, a folder that can be written
Makes: HERE, the folder of this workflow; TYPED_CONFIG, the config as typed; an error with file and line for
       broken YAML and duplicate keys; what else the rules need from Snakemake
"""

import gc
import os
import sys

# The DAG keeps nearly all objects: garbage collection costs 2.2 of 7.8 s of CPU in a plan of 4,113 jobs.
gc.freeze()
gc.set_threshold(100_000, 50, 1000)

# Snakemake documents only `cores` and `source_path` of `workflow`. The following attributes are not documented,
# and there is no other way: so they are used here and nowhere else, and none of their names begins with _.

# The folder of this file. `source_path` would return a cached copy of one file, but our package is a folder.
HERE = os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True))

# Is this the process that plans, or that of a job, which parses all again? Does another workflow use this one
# as a module (docs/module.md)?
IS_PLANNING = workflow.is_main_process
IS_MODULE = not workflow.modifier.is_main_snakefile()
IS_DRIVER = IS_PLANNING and not IS_MODULE

# --configfile, --config and --replace-workflow-config: Snakemake has read them into `config` by looser rules
# (duplicate keys, `no`, 1e3, 007).
CONFIG_FILES = workflow.overwrite_configfiles
CONFIG_SETTINGS = workflow.config_settings


def with_module_prefix(path):
    """Return a path with the prefix of this module, which Snakemake adds to files."""
    return workflow.modifier.path_modifier.replace_prefix(path)


def executor():
    """Return what runs the jobs, `slurm` or `local`; known once the run starts."""
    return workflow.executor_plugin.name


def rules_to_run():
    """Return the names of the rules whose jobs are planned; known once the run starts."""
    return {job.rule.name for job in workflow.dag.jobs}


def rules_with_settings():
    """Return (option, rule) for each rule in --set-resources and --set-threads, and all rules."""
    settings = workflow.resource_settings
    given = {"resources": settings.overwrite_resources, "threads": settings.overwrite_threads}
    named = [(f"set-{what}", name) for what, table in given.items() for name in table or ()]
    return named, {rule.name for rule in workflow.rules}


if not os.path.isdir(HERE):
    raise WorkflowError(
        "slm-experiments is a Python package too, which github(...) does not bring: clone the "
        "repository, and name its Snakefile by its path (docs/module.md)"
    )
sys.path.insert(0, os.path.join(HERE, "workflow", "scripts"))

from slmrag.config import yaml_files, yaml_scalars
from slmrag.dag import command_line
from slmrag.errors import UserError

# Before `configfile:` in the Snakefile, whose error for broken YAML has no line.
try:
    if IS_DRIVER:
        command_line.check_folder(sys.argv[1:])
    default = [] if CONFIG_SETTINGS.replace_workflow_config else ["config/config.yaml"]
    TYPED_CONFIG = (
        yaml_scalars.require_text_keys(config)
        if IS_MODULE
        else yaml_files.merge_cli_config(
            filter(os.path.exists, CONFIG_FILES or default), CONFIG_SETTINGS.config_args or []
        )
    )
except UserError as error:
    raise WorkflowError(str(error)) from None
