"""Remove an experiment's results; resources and the journal stay."""

import shutil
from pathlib import Path

from slmrag.dag.disk_usage import readable_bytes, total_bytes
from slmrag.job.progress import terminal
from slmrag.job.run import run_job


def main(input, output, params):
    """Remove all of the experiment's folder."""
    results = Path(params.results)
    removed = total_bytes(results)
    if results.exists():
        shutil.rmtree(results)
    print(
        f"removed {results}, {readable_bytes(removed)}; resources and the journal stay",
        file=terminal(),
    )
    return {"bytes": removed}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
