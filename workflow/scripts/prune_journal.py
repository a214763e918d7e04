"""Remove old files of the journal that no experiment's answers come from."""

from contextlib import suppress
from pathlib import Path

from slmrag.dag.disk_usage import journal_files, prunable, readable_bytes
from slmrag.errors import UserError
from slmrag.job.progress import terminal
from slmrag.job.run import run_job


def main(input, output, params):
    """Remove files that are unused and at least ``params.days`` old; print how much."""
    try:
        days = float(params.days)
    except ValueError:
        raise UserError(f"JOURNAL_DAYS: {params.days!r} is not a number of days") from None
    removed = prunable(journal_files(Path(params.journal), Path("results")), days)
    for file in removed:
        file.path.unlink()
        with suppress(OSError):
            file.path.parent.rmdir()
    total = sum(file.bytes for file in removed)
    print(f"removed {len(removed)} files of the journal, {readable_bytes(total)}", file=terminal())
    return {"removed": len(removed), "bytes": total}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
