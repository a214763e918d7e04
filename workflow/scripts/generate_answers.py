"""Answer the prompts of all cells with one model, starting its engine once or not at all."""

import logging
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from slmrag.generation import refused_prompts
from slmrag.generation.answer_tables import AnswerTables, warn_of_cuts, warn_of_reasoning
from slmrag.generation.cache_key import open_journal
from slmrag.generation.generate import generate
from slmrag.generation.generation_job import GenerationJob
from slmrag.generation.time_shares import WorkTimes
from slmrag.job.run import run_job

logger = logging.getLogger(__name__)


def main(input, output, params):
    """Generate the completions that the journal lacks, and write a table of answers per cell."""
    job = GenerationJob.of(input, params)
    with open_journal(job, Path(params.journal)) as journal, TemporaryDirectory() as scratch:
        files = zip(input.prompts, output.answers, output.timings, strict=True)
        places = (Path(scratch, str(at)) for at in range(len(params.cells)))
        cells = [AnswerTables(*three, next(places), job.extractor) for three in files]
        counts = generate(job, journal, cells, "generate")
        refused_prompts.report_refused(
            job.entry, journal, dict(zip(params.cells, cells, strict=True))
        )
        totals, work_times = Counter(), WorkTimes(journal)
        for name, cell in zip(params.cells, cells, strict=True):
            if not cell.height():
                logger.warning("%s: its prompt file has no rows, so nothing is answered", name)
            found = cell.write(journal, work_times)
            warn_of_cuts(name, found, cell.height())
            warn_of_reasoning(name, found, cell.height())
            totals.update({**found, f"answers/{name}": cell.height()})
    counts["from_journal"] = counts["questions"] - counts["generated"]
    if job.checkpoint:
        counts["model_parameters"] = job.checkpoint.parameters
    return {**counts, **totals}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
