"""What a reader should know of texts in scripts that a metric or a tokenizer does not know."""

from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.data.squad_misfit import misfit
from slmrag.data.unicode_scripts import misfits, said
from slmrag.report.analysis.experiment import Cell, Experiment
from slmrag.report.analysis.retriever_facts import retrievers
from slmrag.report.sections.unread_text import of

OFTEN = 0.05
SIGN = r"[\p{P}&&[^\x00-\x7f]]"
SHARED = 0.1
"""Of the letters: fewer in one script, and questions and passages can have hardly a word alike."""


def questions(experiment: Experiment, *_: Any) -> Iterator[str]:
    """Data sets whose references the metrics misread, or are not of the language that is named."""
    instead = remedy(experiment)
    for name, entry in experiment.datasets.items():
        audit = experiment.audits.get(("datasets", name), {})
        if audit.get("questions") and (sentence := misfit(audit)):
            yield f"{name}: {sentence}; {instead}."
        answers = scripts(experiment, "datasets", name).get("answers", {})
        odd = misfits(answers, entry.get("language"), "the answers")
        yield from (f"{name}: {sentence}." for sentence in odd)
        yield from strangers(experiment, name, entry.get("corpus"))


def remedy(experiment: Experiment) -> str:
    """Return which columns do know the texts: there they are, or they can be asked for."""
    if "unicode" in (experiment.metrics.get("variants") or ()):
        return "the columns unicode do not"
    return "metrics.variants has unicode, which does not"


def answers(experiment: Experiment, *_: Any) -> Iterator[str]:
    """Answers with punctuation that SQuAD's normal form keeps, so that no reference equals them."""
    found: dict[str, tuple[int, int, str]] = {}
    for cell in experiment.scored:
        odd, total = punctuated(cell)
        if total and odd / total > max(OFTEN, shares_of(found.get(cell.dataset))):
            found[cell.dataset] = odd, total, "/".join(cell.key)
    instead = remedy(experiment)
    for odd, total, cell in found.values():
        yield (
            f"{cell}: {of(odd, total, 'answers')} hold punctuation beyond ASCII (such as » 。), a "
            "letter to SQuAD's normal form: token_recall and its kin can miss words "
            f"beside it; no cell of its data set has more, and {instead}."
        )


def shares_of(found: tuple[int, int, str] | None) -> float:
    """Return the share that was found, 0 for none."""
    return found[0] / found[1] if found else 0.0


def punctuated(cell: Cell) -> tuple[int, int]:
    """Return how many answers of a cell hold punctuation beyond ASCII, of how many."""
    import polars as pl

    if cell.answers is None:
        return 0, 0
    odd = pl.col("answer").str.contains(SIGN).sum()
    return pl.scan_parquet(cell.answers).select(odd, pl.len()).collect().row(0)


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
