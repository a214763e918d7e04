"""Encode one shard of a corpus, so that many jobs can share the work and a lost one is redone."""

from pathlib import Path

from slmrag.encoders import encode_passages
from slmrag.files import atomic
from slmrag.job import run_job


def main(input, output, params):
    """Write the float16 vectors of the passages of one shard, in their order."""
    means = {"checkpoint": next(iter(input.encoder), None)} | params.hardware
    shard, shards = int(params.shard), int(params.shards)
    with atomic(output.vectors) as path:
        count = encode_passages(
            Path(input.passages), path, params.entry | means, shard=shard, shards=shards
        )
    return {"passages": count}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
