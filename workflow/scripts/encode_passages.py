"""Encode one shard of a corpus: many jobs share the work, and only a lost shard is redone."""

from pathlib import Path

from slmrag.files import atomic, write_json
from slmrag.indexing.encode_passages import encode_passages
from slmrag.job.run import run_job
from slmrag.models.text_limits import tracked_counts


def main(input, output, params):
    """Write the float16 vectors of one shard's passages, in order, and how many were cut."""
    means = {"checkpoint": next(iter(input.encoder), None)} | params.hardware
    shard, shards = int(params.shard), int(params.shards)
    with atomic(output.vectors) as path:
        facts = encode_passages(
            Path(input.passages), path, params.entry | means, shard=shard, shards=shards
        )
    write_json(facts, output.facts)
    return {"passages": facts["reading"]["texts"], **tracked_counts(facts)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
