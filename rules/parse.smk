"""Before anything is read: our package on the path, and the config's files read strictly.

Needs: the config files, a folder that can be written
Makes: TYPED, the config as it was typed; an error with file and line for broken YAML and keys that
       stand twice; HERE, the folder of this workflow; DRIVER, if this process plans a run of it, and
       not of another workflow that has it as a module (docs/module.md)
"""

import gc
import os
import sys

# The DAG keeps nearly all that is made: looking through it for garbage would cost a fifth of a plan.
gc.freeze()
gc.set_threshold(100_000, 50, 1000)

HERE = os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True))
MODULE = not workflow.modifier.is_main_snakefile()
DRIVER = workflow.is_main_process and not MODULE

if not os.path.isdir(HERE):
    raise WorkflowError(
        "slm-experiments is a Python package too, which github(...) does not bring: clone the "
        "repository, and name its Snakefile by its path (docs/module.md)"
    )
sys.path.insert(0, os.path.join(HERE, "workflow", "scripts"))

from slmrag.config import yaml_files, yaml_scalars
from slmrag.dag import command_line
from slmrag.errors import UserError


def placed(path):
    """Return a path with the prefix of the module that this workflow is: Snakemake adds it to files."""
    return workflow.modifier.path_modifier.replace_prefix(path)


try:
    if DRIVER:
        command_line.check_folder(sys.argv[1:])
    # Snakemake has read its config already, by looser rules: this is the one that all go by.
    settings = workflow.config_settings
    default = [] if settings.replace_workflow_config else ["config/config.yaml"]
    TYPED = (
        yaml_scalars.whole(config)
        if MODULE
        else yaml_files.settled(
            filter(os.path.exists, workflow.overwrite_configfiles or default),
            settings.config_args or [],
        )
    )
except UserError as error:
    raise WorkflowError(str(error)) from None
