"""Build a retriever's index of a corpus."""

from pathlib import Path

from slmrag.data.passages import size as count
from slmrag.files import atomic_folder, write_json
from slmrag.indexing import BUILDERS
from slmrag.indexing.index_folder import build_settings, folder_digest, write_description
from slmrag.job import events
from slmrag.job.run import run_job
from slmrag.models.text_limits import tracked_counts
from slmrag.retrieval import retriever


def main(input, output, params):
    """Write the index folder of one retriever and corpus, whole or absent, and its digest."""
    name = params.entry["kind"]
    kind = BUILDERS[name]() if name in BUILDERS else retriever(name)
    passages = Path(input.passages)
    built = build_settings(params.entry, kind.BUILD)
    given = {
        "checkpoint": next(iter(input.encoder), None),
        "vectors": getattr(input, "vectors", []),
        "vector_facts": getattr(input, "vector_facts", []),
    }
    with events.component("index"), atomic_folder(output.index) as folder:
        facts = kind.build(passages, folder, params.hardware | built | given)
        size = write_description(folder, built, passages, facts)
    write_json({"digest": folder_digest(output.index), "bytes": size}, output.manifest)
    numbers = {name: v for name, v in facts.items() if isinstance(v, int | float)}
    return {"bytes": size, "index_documents": count(passages)} | numbers | tracked_counts(facts)


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
