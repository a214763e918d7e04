"""Print what the journal holds, and how much of it no result uses."""

from pathlib import Path

from slmrag.dag.disk_usage import journal_files, readable_bytes
from slmrag.job.progress import terminal
from slmrag.job.run import run_job


def main(input, output, params):
    """Print completions, files and bytes, used and unused."""
    files = journal_files(Path(params.journal), Path("results"))
    counts = {"cache_keys": len({file.path.parent for file in files}), "files": len(files)}
    for name, used in (("used", True), ("unused", False)):
        mine = [file for file in files if file.used is used]
        total = sum(file.bytes for file in mine)
        counts |= {f"{name}_completions": sum(file.completions for file in mine)}
        print(
            f"{name}: {counts[f'{name}_completions']} completions in {len(mine)} files, "
            f"{readable_bytes(total)}",
            file=terminal(),
        )
    return counts


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
