"""Before anything is read: our package on the path, and the config's files read strictly.

Needs: the config files, a folder that can be written
Makes: HERE, the folder of this workflow; TYPED_CONFIG, the config as it was typed; an error with file and line for
       broken YAML and keys that stand twice; what else Snakemake knows and a rule must ask it for
"""

import gc
import os
import sys

# The DAG keeps nearly all that is made: looking through it for garbage costs 2.2 of 7.8 s of CPU in a plan of
# 4,113 jobs.
gc.freeze()
gc.set_threshold(100_000, 50, 1000)

# Of `workflow` Snakemake's documents name `cores` and `source_path` alone. What follows they do not name,
# and nothing else tells it: so it is asked for here and nowhere else, without a name that begins with _.

# Where this file lies: `source_path` returns a copy of one file in a cache, and our package is a folder.
HERE = os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True))

# Is this the process that plans, or one of a job, which parses all of it anew? Is another workflow around
# this one, which has it as a module (docs/module.md)?
IS_PLANNING = workflow.is_main_process
IS_MODULE = not workflow.modifier.is_main_snakefile()
IS_DRIVER = IS_PLANNING and not IS_MODULE

# What --configfile, --config and --replace-workflow-config say: `config` is what became of them by looser
# rules (a key that stands twice, `no`, 1e3, 007).
CONFIG_FILES = workflow.overwrite_configfiles
CONFIG_SETTINGS = workflow.config_settings


def with_module_prefix(path):
    """Return a path with the prefix of the module that this workflow is: Snakemake adds it to files."""
    return workflow.modifier.path_modifier.replace_prefix(path)


def executor():
    """Return what runs the jobs, `slurm` or `local`; known once the run starts."""
    return workflow.executor_plugin.name


def rules_to_run():
    """Return the names of the rules whose jobs are planned; known once the run starts."""
    return {job.rule.name for job in workflow.dag.jobs}


def rules_with_settings():
    """Return the rules that --set-resources and --set-threads name, with the option, and all rules."""
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

# Before `configfile:` in the Snakefile, which would end without a line where the YAML is broken.
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
