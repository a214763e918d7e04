"""Compare all cells: tables, figures and one self-contained page."""

from pathlib import Path

from slmrag.job.code_version import read_version
from slmrag.job.run import run_job
from slmrag.report.analysis.experiment import read_experiment
from slmrag.report.analysis.job_records import read_job_records
from slmrag.report.build import build_report
from slmrag.report.tracked import report_events
from slmrag.report.write import write_report


def main(input, output, params):
    """Write the comparison's tables, figures and page."""
    folder, config = Path(output.html).parents[1], getattr(params, "redacted_config", {})
    job_records = read_job_records(folder, getattr(input, "indexes", ()), config, read_version())
    report = build_report(read_experiment(input, params, job_records))
    write_report(report, output)
    report_events(report.tracked, report.figures, Path(output.figures))
    return report.tracked.scalars


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
