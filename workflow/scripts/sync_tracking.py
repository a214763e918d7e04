"""Send events to the tracker that could not be sent while the jobs ran."""

from pathlib import Path

from slmrag.errors import UserError
from slmrag.job.run import run_job


def main(input, output, params):
    """Send each kept attempt once; a second call sends nothing."""
    from slmrag.job.attempts import find_attempts
    from slmrag.tracking.settings import settings
    from slmrag.tracking.sync_process import counts_sentence, run_sync

    results = Path(params.results)
    seconds = settings(params.tracking).deadline_seconds * (1 + len(find_attempts(results)))
    counts, failure = run_sync(results, params.tracking, seconds)
    if failure:
        raise UserError(f"tracking: {counts_sentence(counts, failure)}")
    print(f"tracking: {counts_sentence(counts, None)}")
    return counts


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
