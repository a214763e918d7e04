"""What the profile and the command line set for a rule: the rule must exist.

Needs: all other rules
Makes: an error that names the nearest rule for a name that is none
"""

from slmrag.errors import nearest

RULE_NAMES = {rule.name for rule in workflow.rules} | {"grade_answers", "download_judge"}

for option, settings in (
    ("set-resources", workflow.resource_settings.overwrite_resources),
    ("set-threads", workflow.resource_settings.overwrite_threads),
):
    for name in set(settings or ()) - RULE_NAMES:
        raise WorkflowError(f"{option}: no rule is called '{name}'{nearest(name, RULE_NAMES)}")
