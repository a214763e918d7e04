"""Recompute a report from its rows, and compare it with its files and with expected scores."""

from pathlib import Path

from slmrag.job.progress import terminal
from slmrag.job.run import run_job
from slmrag.report.analysis.experiment import read_experiment
from slmrag.report.verify import recompute
from slmrag.report.verify.expected_scores import check_expected


def main(input, output, params):
    """Print how much was verified; UserError names the first number that does not match."""
    import polars as pl

    report = recompute.report_files(Path(input.html).parent)
    experiment = read_experiment(input, params)
    checked = recompute.verify_report(experiment, report)
    checked["verdicts"] = sum(
        recompute.verify_grades(page, experiment) for page in getattr(input, "grades", ())
    )
    runs = zip(getattr(input, "hits", ()), getattr(input, "searched", ()), strict=True)
    checked["retrieval metrics"] = sum(
        recompute.verify_retrieval(hits, passages, experiment) for hits, passages in runs
    )
    rows = pl.read_parquet(report.parquet).to_dicts()
    checked["expected"] = sum(
        check_expected(rows, params.experiment, path) for path in getattr(input, "expected", ())
    )
    counts = ", ".join(f"{count} {name}" for name, count in checked.items())
    print(f"Verified: {counts}.", file=terminal(), flush=True)
    return checked


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
