"""Download one raw object, verify it, and record its files."""

import logging

from slmrag.config.hub_names import HUB_SCHEME as HUB
from slmrag.dag.local_sources import Source, refuse_change
from slmrag.files import digest, write_json
from slmrag.job.run import run_job
from slmrag.storage import download

log = logging.getLogger(__name__)


def main(input, output, params):
    """Download the entry's files into a folder and write their sizes and digests beside it."""
    entry = params.entry
    files = download(entry["uri"], output.data, dict(params.storage), entry.get("sha256"))
    refuse_change(Source(entry["uri"]), files, getattr(params, "content", None))
    content = digest([[file["name"], file["sha256"]] for file in files])
    about = {"uri": entry["uri"], "files": files, "digest": content}
    if entry["uri"].startswith(HUB):
        about["revision"] = files[0]["version_id"]
    write_json(about, output.manifest)
    for file in files:
        log.info("%(name)s: %(bytes)d bytes, SHA-256 %(sha256)s", file)
    return {"files": len(files), "bytes": sum(file["bytes"] for file in files)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
