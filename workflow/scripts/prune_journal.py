"""Remove the journal's old files that no experiment's answers came from."""

from contextlib import suppress
from pathlib import Path

from slmrag.dag.disk_usage import journal_files, prunable, readable_bytes
from slmrag.errors import UserError
from slmrag.job.progress import terminal
from slmrag.job.run import run_job


def main(input, output, params):
    """Remove files that are unused and at least ``params.days`` old; say what is gone."""
    try:
        days = float(params.days)
    except ValueError:
        raise UserError(f"JOURNAL_DAYS: {params.days!r} is no number of days") from None
    gone = prunable(journal_files(Path(params.journal), Path("results")), days)
    for file in gone:
        file.path.unlink()
        with suppress(OSError):
            file.path.parent.rmdir()
    total = sum(file.bytes for file in gone)
    print(f"removed {len(gone)} files of the journal, {readable_bytes(total)}", file=terminal())
    return {"removed": len(gone), "bytes": total}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
