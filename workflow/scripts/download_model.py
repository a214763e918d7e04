"""Download one checkpoint; its weights are safetensors unless its entry allows others."""

from slmrag.dag.local_sources import Source, refuse_change
from slmrag.files import digest, write_json
from slmrag.job.run import run_job
from slmrag.models.checkpoint_download import fetch_checkpoint


def main(input, output, params):
    """Download a checkpoint from the hub, a prefix or a folder, and write its files' digests."""
    revision = getattr(params, "revision", None)
    allow_pickle = bool(getattr(params, "allow_pickle", False))
    revision, files = fetch_checkpoint(
        params.uri, revision, output.checkpoint, dict(params.storage), allow_pickle
    )
    refuse_change(Source(params.uri, True, allow_pickle), files, getattr(params, "content", None))
    content = digest([[file["name"], file["sha256"]] for file in files])
    manifest = {"uri": params.uri, "revision": revision, "files": files, "digest": content}
    write_json(manifest, output.manifest)
    return {"files": len(files), "bytes": sum(file["bytes"] for file in files)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
