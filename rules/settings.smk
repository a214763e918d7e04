"""Checks that rules named by the profile and the command line exist.

Needs: all other rules
Makes: an error that names the nearest rule: Snakemake would ignore the setting silently
"""

from slmrag.errors import nearest

SET_RULES, ALL_RULES = rules_with_settings()
ALL_RULES |= {"grade_answers", "download_judge"}  # only there with a judge

for option, rule_name in [] if IS_MODULE else SET_RULES:
    if rule_name not in ALL_RULES:
        raise WorkflowError(
            f"{option}: no rule is called '{rule_name}'{nearest(rule_name, ALL_RULES)}"
        )
