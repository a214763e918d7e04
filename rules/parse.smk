"""Before anything is read: our package on the path, and the config's files read strictly.

Needs: the config files, a folder that can be written
Makes: an error with file and line for broken YAML and for keys that stand twice
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
    config_files.check(
        path
        for path in workflow.overwrite_configfiles or ["config/config.yaml"]
        if os.path.exists(path)
    )
except UserError as error:
    raise WorkflowError(str(error)) from None
