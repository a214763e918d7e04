"""Compare all cells: tables, figures and one self-contained page."""

from pathlib import Path

from slmrag.job.code_version import version
from slmrag.job.run import run_job
from slmrag.report.analysis import experiment, job_records
from slmrag.report.build import build
from slmrag.report.write import write


def main(input, output, params):
    """Write the comparison's tables, figures and page."""
    folder, told = Path(output.html).parents[1], getattr(params, "told", {})
    seen = job_records.look(folder, getattr(input, "indexes", ()), told, version())
    report = build(experiment.read(input, params, seen))
    write(report, output)
    return report.scalars


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
