"""Answer the prompts of all cells with one model, starting its engine once or not at all."""

from collections import Counter
from pathlib import Path

from slmrag.answers import write_cell
from slmrag.files import digest
from slmrag.generation import Setup, generate
from slmrag.job import run_job
from slmrag.journal import Journal


def main(input, output, params):
    """Take what the journal has, generate what it lacks, and write a table of answers per cell."""
    setup = Setup.of(input, params)
    with Journal(Path(params.journal) / digest(setup.recipe())) as journal:
        counts = generate(setup, journal, input.prompts, "generate")
        totals = Counter()
        for files in zip(input.prompts, output.answers, output.timings, strict=True):
            totals.update(write_cell(setup, journal, *map(Path, files)))
    return {**counts, **totals, "from_journal": counts["questions"] - counts["generated"]}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
