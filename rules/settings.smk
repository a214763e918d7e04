"""What the profile and the command line set: a rule must exist, a partition's limits be such.

Needs: all other rules; the profile's file of partitions
Makes: an error that names the nearest rule or key for a name that is none
"""

import sys

from slmrag.dag import slurm_partitions
from slmrag.errors import UserError, nearest

RULE_NAMES = {rule.name for rule in workflow.rules} | {"grade_answers", "download_judge"}

for option, settings in (
    ()
    if MODULE
    else (
        ("set-resources", workflow.resource_settings.overwrite_resources),
        ("set-threads", workflow.resource_settings.overwrite_threads),
    )
):
    for name in set(settings or ()) - RULE_NAMES:
        raise WorkflowError(f"{option}: no rule is called '{name}'{nearest(name, RULE_NAMES)}")

try:
    for path in slurm_partitions.files(sys.argv[1:]) if DRIVER else []:
        slurm_partitions.check(path)
except UserError as error:
    raise WorkflowError(str(error)) from None
