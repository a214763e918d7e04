"""Compare all cells: tables, figures and one self-contained page."""

from pathlib import Path

from slmrag.job import run_job
from slmrag.reporting import observed, sources
from slmrag.reporting.build import build
from slmrag.reporting.write import write
from slmrag.tracking.versions import version


def main(input, output, params):
    """Write the comparison's tables, figures and page."""
    folder, told = Path(output.html).parents[1], getattr(params, "told", {})
    seen = observed.look(folder, getattr(input, "indexes", ()), told, version())
    report = build(sources.read(input, params, seen))
    write(report, output)
    return report.scalars


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
