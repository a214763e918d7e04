"""Fetch one raw object, verified, and record what came."""

import logging

from slmrag.files import digest, write_json
from slmrag.job import run_job
from slmrag.local_files import Source, refuse_change
from slmrag.storage import download

log = logging.getLogger(__name__)


def main(input, output, params):
    """Download the entry's files into a folder and write their sizes and digests beside it."""
    entry = params.entry
    files = download(entry["uri"], output.data, dict(params.storage), entry.get("sha256"))
    refuse_change(Source(entry["uri"]), files, getattr(params, "content", None))
    content = digest([[file["name"], file["sha256"]] for file in files])
    write_json({"uri": entry["uri"], "files": files, "digest": content}, output.manifest)
    for file in files:
        log.info("%(name)s: %(bytes)d bytes, SHA-256 %(sha256)s", file)
    return {"files": len(files), "bytes": sum(file["bytes"] for file in files)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
