"""What a reader should know of texts in scripts that a metric or a tokenizer does not know."""

from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.alphabets import misfits, said
from slmrag.reporting.retriever_facts import retrievers
from slmrag.reporting.sources import Experiment
from slmrag.squad_misfit import misfit

SHARED = 0.1
"""Of the letters: fewer in one script, and questions and passages can have hardly a word alike."""


def questions(experiment: Experiment, *_: Any) -> Iterator[str]:
    """Data sets whose references the metrics misread, or are not of the language that is named."""
    for name, entry in experiment.datasets.items():
        audit = experiment.audits.get(("datasets", name), {})
        found = [misfit(audit)] if audit.get("questions") else []
        answers = audit.get("scripts", {}).get("answers", {})
        odd = misfits(answers, entry.get("language"), "the answers")
        yield from (f"{name}: {sentence}." for sentence in [*filter(None, found), *odd])
        yield from strangers(experiment, name, entry.get("corpus"))


def strangers(experiment: Experiment, dataset: str, corpus: str | None) -> Iterator[str]:
    """Questions and passages that are of different scripts."""
    asked = scripts(experiment, "datasets", dataset).get("questions", {})
    searched = scripts(experiment, "corpora", corpus)
    shared = sum(min(share, searched.get(name, 0)) for name, share in asked.items())
    if asked and searched and shared < SHARED:
        yield (
            f"{dataset}: the questions are {said(asked)}, the passages of {corpus} "
            f"{said(searched)}; a search by words finds only what both write alike."
        )


def scripts(experiment: Experiment, kind: str, name: str | None) -> Mapping[str, Any]:
    """Return what an audit says of scripts, nothing where it is older than that."""
    return experiment.audits.get((kind, str(name)), {}).get("scripts", {})


def searches(experiment: Experiment, *_: Any) -> Iterator[str]:
    """Searches without a hit for any question, and terms that are whole sentences."""
    for (dataset, retriever), found in {**experiment.retrieval, **experiment.below}.items():
        if found.get("without_hits") == found.get("questions") and found.get("questions"):
            yield f"{retriever} on {dataset}: no question has a hit."
    for retriever, place, facts in retrievers(experiment):
        whole = facts.get("unspaced", {})
        if facts.get("built", {}).get("tokenizer") == "whitespace" and whole:
            yield (
                f"{retriever} on {place}: {whole['terms']} terms of {', '.join(whole['scripts'])} "
                "are what stands between white space, mostly whole sentences; use tokenizer: words."
            )
