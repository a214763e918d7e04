"""Check a set of questions against its corpus: can a retriever find the answers at all?"""

import polars as pl
from slmrag.data.coverage import measure_coverage
from slmrag.files import write_json
from slmrag.job.progress import bar
from slmrag.job.run import run_job

ROWS_PER_BATCH = 20_000


def main(input, output, params):
    """Read the passages once, streaming, and count the questions whose answers they have."""
    questions = pl.read_parquet(input.questions).to_dicts()
    scan = pl.scan_parquet(input.passages).select("id", "text")
    total = scan.select(pl.len()).collect().item()
    with bar(desc="passages", total=total, unit=" passages", unit_scale=True) as shown:

        def watched():
            for table in scan.collect_batches(chunk_size=ROWS_PER_BATCH):
                yield table
                shown.update(table.height)

        summary = measure_coverage(questions, watched())
    write_json(summary, output.audit)
    return {name: value for name, value in summary.items() if not isinstance(value, list)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
