"""What indexes and searches have to say of themselves."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.files import read_json
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.job_records import index_name

Facts = Mapping[str, Any]


def retrievers(experiment: Experiment) -> Iterator[tuple[str, str, Facts]]:
    """Yield the retriever, its corpus or data set, and the facts of each index and search."""
    for folder in map(Path, experiment.indexes):
        path = folder / "index.json"
        if path.is_file():
            corpus, retriever = index_name(folder).split("/")
            yield retriever, corpus, read_json(path)
    for (dataset, retriever), found in {**experiment.retrieval, **experiment.below}.items():
        yield retriever, dataset, found.get("facts") or {}
