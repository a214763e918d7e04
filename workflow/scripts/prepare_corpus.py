"""Turn raw files of passages into one table, with an audit."""

import logging

from slmrag.data.corpus import RepeatedPassages, checked_passages
from slmrag.data.corpus_audit import CorpusAudit
from slmrag.data.formats import reader
from slmrag.data.parquet_stream import write_stream
from slmrag.data.reading.folders import count_by_reason, data_files, documents_of
from slmrag.data.reading.swallowed_lines import count_swallowed, swallowed_for_audit
from slmrag.data.schemas import PASSAGES
from slmrag.data.unicode_scripts import script_misfits
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
    except RepeatedPassages as found:
        summary = write_passages(files, read, entry, output.passages, found.deduplicator)
        summary["repeated"] = dropped = found.deduplicator.dropped
        log.warning("%d passages repeat an earlier one word for word: left out", dropped)
    if left:
        summary["files_left_out"] = count_by_reason(left)
    for sentence in script_misfits(summary["scripts"], entry.get("language"), "the passages"):
        log.warning("%s", sentence)
    write_json(summary, output.audit)
    return {name: value for name, value in summary.items() if not isinstance(value, dict)}


def open_files(folders, entry):
    """Return a corpus's files, their reader, and the files that are left out so far, by reason."""
    if entry["format"] != "text":
        return data_files(folders), reader(entry["format"], "passages", entry), {}
    files, left = documents_of(folders)
    return files, reader("text", "passages", entry, left=left), left


def write_passages(files, read, entry, place, deduplicator=None):
    """Write the passages of the files, and return their audit."""
    audit = CorpusAudit()
    with (
        bar(desc="passages", unit=" passages", unit_scale=True) as shown,
        count_swallowed() as lines,
    ):

        def watched():
            for table in checked_passages(files, read, entry, audit, deduplicator):
                shown.update(table.height)
                yield table

        write_stream(watched(), PASSAGES, place)
    return audit.summary() | swallowed_for_audit(lines)


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
