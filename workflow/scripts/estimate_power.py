"""Print the minimum detectable effect of each data set, before a run or after it."""

from pathlib import Path

from slmrag.dag.detectable_effect import PowerSettings, describe_effects
from slmrag.job.progress import terminal
from slmrag.job.run import run_job


def main(input, output, params):
    """Print a line for each data set."""
    scores = Path(params.results, "scores")
    wanted = PowerSettings(params.primary, params.confidence, params.limits, params.tables, scores)
    print(describe_effects(wanted), file=terminal())


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
