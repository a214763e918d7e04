"""Caveats on gold passages, truncated texts, devices and endpoints."""

from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.generation.served_models import LISTS_OF_NAMES
from slmrag.report.analysis.caveats import prompts_cut_by_endpoint
from slmrag.report.analysis.engine_records import (
    endpoint_models,
    retriever_facts,
    served_values,
    unused_gpus,
)
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.formats import format_count, format_percent
from slmrag.report.page.tables import Rows


def gold_caveats(experiment: Experiment) -> Iterator[str]:
    """Gold metrics that are unknown, cover only some questions, or depend on a doubtful id."""
    for dataset in dict.fromkeys(dataset for dataset, _ in experiment.retrieval):
        runs = {name: run for (own, name), run in experiment.retrieval.items() if own == dataset}
        found = next(iter(runs.values()))
        yield from (
            f"{dataset}, {', '.join(runs)}: {sentence}" for sentence in gold_sentences(found)
        )


def gold_sentences(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield caveats on a run's gold metrics; all runs of a data set share questions and corpus."""
    with_gold, scored = found.get("with_gold", 0), found.get("gold_scored", 0)
    reasons = {one["reason"] for one in found.get("metrics", {}).values() if "reason" in one}
    for reason in sorted(reasons):
        yield f"gold recall, MRR and nDCG are not known: {reason}."
    if 0 < with_gold < found.get("questions", 0):
        yield (
            f"{found['questions'] - with_gold} of {found['questions']} questions have no gold "
            "passage; the gold metrics leave them out."
        )
    if 0 < scored < with_gold:
        yield (
            f"gold recall, MRR and nDCG are computed over {scored} of {with_gold} questions; the "
            "others have no gold passage in the corpus, neither by id nor by text."
        )
    if other := found.get("gold_other_text"):
        yield (
            f"{other} of {found['gold_passages']} gold passages have the id of another text in the "
            "corpus; the id counts. If the corpus was split in another way, split the gold "
            "passages in the same way."
        )


def device_caveats(experiment: Experiment, rows: Rows) -> Iterator[str]:
    """Costs of different machines or engines, unused GPUs, unknown devices."""
    for name in ("device", "engine"):
        found = sorted({row[name] for row in rows if row[name]})
        if len(found) > 1:
            yield f"Costs were measured with different {name}s: {'; '.join(found)}."
    yield from (f"{name}: {reason}." for name, reason in unused_gpus(experiment))
    if models := endpoint_models(experiment):
        yield (f"No device is named for {', '.join(models)}: an endpoint does not tell its device.")


def endpoint_caveats(experiment: Experiment) -> Iterator[str]:
    """Other models than requested, several behind one name, or unknown sampling parameters."""
    for model, entry in experiment.models.items():
        ids, prints = (served_values(experiment, model, name) for name in LISTS_OF_NAMES)
        asked = entry.get("served_name")
        if len(ids) > 1:
            yield f"{model}: more than one model of the endpoint answered: {', '.join(ids)}."
        elif ids and asked and ids != [asked]:
            yield f"{model}: requested as {asked}, but the endpoint says that {ids[0]} answered."
        if len(prints) > 1:
            yield (
                f"{model}: its answers carry {len(prints)} fingerprints of the endpoint, so the "
                f"model behind it may have changed: {', '.join(prints)}."
            )
        if keys := served_values(experiment, model, "sampling_unknown"):
            yield (
                f"{model}: {', '.join(keys)} not set in the config, so the endpoint used its own "
                "values for sampling."
            )


def text_limit_caveats(experiment: Experiment) -> Iterator[str]:
    """Texts that an index, a search or an endpoint truncated or left out."""
    for retriever, place, facts in retriever_facts(experiment):
        yield from truncated_texts(f"{retriever} on {place}", facts)
        yield from unindexed_passages(f"{retriever} on {place}", facts.get("counts") or {})
    for cell, cut, total in prompts_cut_by_endpoint(experiment):
        yield (
            f"{cell}: the endpoint counts fewer tokens than words in "
            f"{part_text(cut, total, 'prompts')}, so it must have truncated them; raise its "
            "context length."
        )


def truncated_texts(place: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Say how many texts were truncated, and what to do about it."""
    found = facts.get("reading") or {}
    if found.get("cut"):
        cut = part_text(found["cut"], found["texts"], found["what"])
        limit = f"{format_count(found['longest'])} {found['unit']}"
        yield (
            f"{place}: {cut} are longer than the {limit} that are read ({found['source']}), so "
            f"they were truncated. {length_advice(found)}"
        )


def length_advice(found: Mapping[str, Any]) -> str:
    """Return advice on texts that are too long."""
    whole = "" if found["what"] == "questions" else "Split the corpus into chunks (corpora: chunk)"
    most = found["most"]
    if most and most <= found["longest"]:
        return f"{whole}, or use a model that reads more." if whole else "Ask shorter questions."
    raised = f"max_length (it may be up to {format_count(most)})" if most else "max_length"
    return f"{whole}, or raise {raised}." if whole else f"Raise {raised}."


def unindexed_passages(place: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Say how many passages Lucene left out, and Lucene's reasons."""
    left = {name: number for name, number in counts.items() if name != "indexed" and number}
    if left:
        names = ", ".join(f"{number} {name}" for name, number in left.items())
        part = part_text(sum(left.values()), sum(counts.values()), "passages")
        yield f"{place}: {part} are not in the index: {names}."


def part_text(part: int, whole: int, what: str) -> str:
    """Return a count, its total and its share as text."""
    return f"{format_count(part)} of {format_count(whole)} {what} ({format_percent(part / whole)})"
