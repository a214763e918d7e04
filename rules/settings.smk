"""What the profile and the command line set of a rule: there must be one of that name.

Needs: all other rules
Makes: an error that names the nearest rule: Snakemake would pass over the setting without a word
"""

from slmrag.errors import nearest

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
