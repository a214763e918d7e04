"""Remove an experiment's results; what the world gave and the journal stay."""

import shutil
from pathlib import Path

from slmrag.housekeeping import readable, size
from slmrag.job import run_job
from slmrag.progress import terminal


def main(input, output, params):
    """Remove all of the experiment's folder but the record of this very run."""
    results = Path(params.results)
    total = size(results)
    for path in [*results.iterdir(), *(results / "jobs").iterdir()]:
        if path.name not in ("jobs", "clean_experiment", "workflow"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(
        f"removed {results}, {readable(total - size(results))}; resources and the journal stay",
        file=terminal(),
    )
    return {"bytes": total - size(results)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
