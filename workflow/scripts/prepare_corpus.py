"""Turn raw files of passages into one table, with an audit."""

import logging

from slmrag.data.corpus import Repeated, checked
from slmrag.data.corpus_audit import CorpusAudit
from slmrag.data.formats import reader
from slmrag.data.parquet_stream import write_stream
from slmrag.data.reading.folders import by_reason, data_files, documents_of
from slmrag.data.reading.swallowed_lines import counted, counting
from slmrag.data.schemas import PASSAGES
from slmrag.data.unicode_scripts import misfits
from slmrag.files import write_json
from slmrag.job.progress import bar
from slmrag.job.run import run_job

log = logging.getLogger(__name__)


def main(input, output, params):
    """Read, check, cut and write the passages of a corpus, streaming, and write their audit."""
    entry = params.entry
    files, read, left = open_files(input.raw, entry)
    try:
        summary = write_passages(files, read, entry, output.passages)
    except Repeated as found:
        summary = write_passages(files, read, entry, output.passages, found.once)
        summary["repeated"] = found.once.dropped
        log.warning("%d passages repeat an earlier one word for word: left out", found.once.dropped)
    if left:
        summary["files_left_out"] = by_reason(left)
    for sentence in misfits(summary["scripts"], entry.get("language"), "the passages"):
        log.warning("%s", sentence)
    write_json(summary, output.audit)
    return {name: value for name, value in summary.items() if not isinstance(value, dict)}


def open_files(folders, entry):
    """Return a corpus's files, their reader, and the files that are left out so far, by reason."""
    if entry["format"] != "text":
        return data_files(folders), reader(entry["format"], "passages", entry), {}
    files, left = documents_of(folders)
    return files, reader("text", "passages", entry, left=left), left


def write_passages(files, read, entry, place, once=None):
    """Write the passages of the files, and return their audit."""
    audit = CorpusAudit()
    with bar(desc="passages", unit=" passages", unit_scale=True) as shown, counting() as lines:

        def watched():
            for table in checked(files, read, entry, audit, once):
                shown.update(table.height)
                yield table

        write_stream(watched(), PASSAGES, place)
    return audit.summary() | counted(lines)


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
