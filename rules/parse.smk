"""Before anything is read: our package on the path, and the config's files read strictly.

Needs: the config files, a folder that can be written
Makes: TYPED, the config as it was typed; an error with file and line for broken YAML and keys that
       stand twice
"""

import gc
import os
import sys

# The DAG keeps nearly all that is made: looking through it for garbage would cost a fifth of a plan.
gc.freeze()
gc.set_threshold(100_000, 50, 1000)

sys.path.insert(0, os.path.join(workflow.basedir, "workflow", "scripts"))

from slmrag import asides, config_files, own_folder
from slmrag.errors import UserError

try:
    if workflow.is_main_process:
        own_folder.check(sys.argv[1:])
        asides.divert(sys.argv[1:], workflow.resource_settings.cores)
    # Snakemake has read its config already, by looser rules: this is the one that all go by.
    settings = workflow.config_settings
    default = [] if settings.replace_workflow_config else ["config/config.yaml"]
    TYPED = config_files.settled(
        filter(os.path.exists, workflow.overwrite_configfiles or default),
        settings.config_args or [],
    )
except UserError as error:
    raise WorkflowError(str(error)) from None
