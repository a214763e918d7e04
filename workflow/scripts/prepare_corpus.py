"""Raw files of passages into one table, with an audit."""

import logging

from slmrag.alphabets import misfits
from slmrag.audit import CorpusAudit
from slmrag.corpus import checked
from slmrag.files import write_json
from slmrag.job import run_job
from slmrag.progress import bar
from slmrag.readers import reader
from slmrag.readers.folders import files_of
from slmrag.readers.shapes import PASSAGES
from slmrag.streaming import write_stream


def main(input, output, params):
    """Read, check, cut and write the passages of a corpus, streaming, and count what they hold."""
    entry, audit = params.entry, CorpusAudit()
    read = reader(entry["format"], "passages")
    with bar(desc="passages", unit=" passages", unit_scale=True) as shown:

        def watched():
            for table in checked(files_of(input.raw), read, entry, audit):
                shown.update(table.height)
                yield table

        write_stream(watched(), PASSAGES, output.passages)
    summary = audit.summary()
    for sentence in misfits(summary["scripts"], entry.get("language"), "the passages"):
        logging.getLogger(__name__).warning("%s", sentence)
    write_json(summary, output.audit)
    return {name: value for name, value in summary.items() if not isinstance(value, dict)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
