"""Show what changed between two experiments: what they were made from, and their numbers."""

from pathlib import Path

from slmrag.files import write_text
from slmrag.job.progress import terminal
from slmrag.job.run import run_job
from slmrag.report import compare, compare_inputs


def main(input, output, params):
    """Write a Markdown page of what changed and of paired effects, cell by cell."""
    folders = [Path(report).parent.parent for report in (input.now, input.before)]
    (now, made), (before, made_before) = map(compare.load_experiment, folders)
    scored = [key for key in now if key in before and now[key]["n"] and before[key]["n"]]
    rows = compare.cell_effects(*folders, scored, params.metrics)
    names = tuple(folder.name for folder in folders)
    only = {names[0]: [k for k in now if k not in before]}
    only[names[1]] = [k for k in before if k not in now]
    write_text(compare.comparison_markdown(names, (made, made_before), rows, only), output.page)
    print(Path(output.page).read_text(encoding="utf-8"), file=terminal(), flush=True)
    changes = list(compare_inputs.changed_values(made, made_before))
    return {"cells": len(rows), "changes": len(changes)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
