"""Caveats on languages and scripts that a metric or a tokenizer does not handle."""

from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.data.squad_misfit import misfit_sentence
from slmrag.data.unicode_scripts import describe_shares, script_misfits
from slmrag.report.analysis.caveats import punctuated_answers, scripts_differ
from slmrag.report.analysis.engine_records import retriever_facts
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.sections.source_caveats import part_text


def language_caveats(experiment: Experiment) -> Iterator[str]:
    """Yield caveats on references and answers that metrics misread, and on failing searches."""
    yield from reference_caveats(experiment)
    yield from answer_caveats(experiment)
    yield from search_caveats(experiment)


def reference_caveats(experiment: Experiment) -> Iterator[str]:
    """Data sets with references that the metrics misread, or of another language than named."""
    instead = unicode_advice(experiment)
    for name, entry in experiment.datasets.items():
        audit = experiment.audits.get(("datasets", name), {})
        if audit.get("questions") and (sentence := misfit_sentence(audit)):
            yield f"{name}: {sentence}; {instead}."
        answers = audited_scripts(experiment, "datasets", name).get("answers", {})
        odd = script_misfits(answers, entry.get("language"), "the answers")
        yield from (f"{name}: {sentence}." for sentence in odd)
        yield from script_mismatch(experiment, name, entry.get("corpus"))


def unicode_advice(experiment: Experiment) -> str:
    """Return advice on the columns that handle the texts: they exist, or can be configured."""
    if "unicode" in (experiment.metrics.get("variants") or ()):
        return "the columns unicode do not"
    return "metrics.variants has unicode, which does not"


def script_mismatch(experiment: Experiment, dataset: str, corpus: str | None) -> Iterator[str]:
    """Questions and passages of different scripts."""
    asked = audited_scripts(experiment, "datasets", dataset).get("questions", {})
    searched = audited_scripts(experiment, "corpora", corpus)
    if scripts_differ(asked, searched):
        yield (
            f"{dataset}: the questions are {describe_shares(asked)}, the passages of {corpus} "
            f"{describe_shares(searched)}; a search by words finds only what both write alike."
        )


def audited_scripts(experiment: Experiment, kind: str, name: str | None) -> Mapping[str, Any]:
    """Return the scripts of an audit; empty if an older version wrote it."""
    return experiment.audits.get((kind, str(name)), {}).get("scripts", {})


def answer_caveats(experiment: Experiment) -> Iterator[str]:
    """Answers with punctuation that SQuAD's normalization keeps, so no reference equals them."""
    instead = unicode_advice(experiment)
    for cell, odd, total in punctuated_answers(experiment):
        yield (
            f"{cell}: {part_text(odd, total, 'answers')} have punctuation beyond ASCII (such as » "
            "。), which SQuAD's normalization takes for letters: token_recall and its kin can miss "
            f"words beside it. No cell of its data set has more, and {instead}."
        )


def search_caveats(experiment: Experiment) -> Iterator[str]:
    """Searches without a hit for any question, and terms that are whole sentences."""
    for (dataset, retriever), found in experiment.searches.items():
        if found.get("without_hits") == found.get("questions") and found.get("questions"):
            yield f"{retriever} on {dataset}: no question has a hit."
    for retriever, place, facts in retriever_facts(experiment):
        whole = facts.get("unspaced", {})
        if facts.get("built", {}).get("tokenizer") == "whitespace" and whole:
            yield (
                f"{retriever} on {place}: {whole['terms']} terms of {', '.join(whole['scripts'])} "
                "are what stands between white space, mostly whole sentences; use tokenizer: words."
            )
