"""What the profile and the command line set of a rule: there must be one of that name.

Needs: all other rules
Makes: an error that names the nearest rule: Snakemake would pass over the setting without a word
"""

from slmrag.errors import nearest

SET_RULES, ALL_RULES = rules_with_settings()
ALL_RULES |= {"grade_answers", "download_judge"}  # there with a judge alone

for option, rule_name in [] if IS_MODULE else SET_RULES:
    if rule_name not in ALL_RULES:
        raise WorkflowError(
            f"{option}: no rule is called '{rule_name}'{nearest(rule_name, ALL_RULES)}"
        )
