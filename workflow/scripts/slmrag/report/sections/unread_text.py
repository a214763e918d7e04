"""Texts of which only the beginning was read: by encoders, rerankers, Lucene, endpoints."""

from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.report.analysis.experiment import Cell, Experiment
from slmrag.report.analysis.retriever_facts import retrievers
from slmrag.report.page.formats import count, percent

Facts = Mapping[str, Any]


def unread(experiment: Experiment, rows: Any, boards: Any) -> Iterator[str]:
    """Say of each index, search and endpoint how many texts it did not read to their end."""
    for retriever, place, facts in retrievers(experiment):
        yield from cut(f"{retriever} on {place}", facts)
        yield from unindexed(f"{retriever} on {place}", facts.get("counts") or {})
    for cell in experiment.scored:
        yield from short(cell)


def cut(place: str, facts: Facts) -> Iterator[str]:
    """Say how many texts are longer than what was read of them, and what can be done."""
    found = facts.get("reading") or {}
    if found.get("cut"):
        longest, unit = found["longest"], found["unit"]
        yield (
            f"{place}: {of(found['cut'], found['texts'], found['what'])} are longer than the "
            f"{count(longest)} {unit} that are read ({found['source']}); what stands behind is not "
            f"seen. {remedy(found)}"
        )


def unindexed(place: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Say how many passages Lucene left out, and what it calls them."""
    left = {name: number for name, number in counts.items() if name != "indexed" and number}
    if left:
        names = ", ".join(f"{number} {name}" for name, number in left.items())
        total = sum(counts.values())
        yield f"{place}: {of(sum(left.values()), total, 'passages')} are not in the index: {names}."


def remedy(found: Facts) -> str:
    """Return what to do about texts that are too long."""
    whole = "" if found["what"] == "questions" else "Cut the corpus into chunks (corpora: chunk)"
    most = found["most"]
    if most and most <= found["longest"]:
        return f"{whole}, or take a model that reads more." if whole else "Ask shorter ones."
    raised = f"max_length (it may be up to {count(most)})" if most else "max_length"
    return f"{whole}, or raise {raised}." if whole else f"Raise {raised}."


def short(cell: Cell) -> Iterator[str]:
    """Say where an endpoint counts fewer tokens than a prompt has words: it must have cut it."""
    if cell.answers is None or not any(r.get("device") == "endpoint" for r in cell.engines):
        return
    import polars as pl

    words = pl.col("prompt").str.count_matches(r"\S+")
    fewer = (pl.col("prompt_tokens") < words).sum()
    cut, total = pl.scan_parquet(cell.answers).select(fewer, pl.len()).collect().row(0)
    if cut:
        yield (
            f"{'/'.join(cell.key)}: the endpoint counts fewer tokens than words in "
            f"{of(cut, total, 'prompts')}, so it did not read them whole; raise its context."
        )


def of(part: int, whole: int, what: str) -> str:
    """Return a count of how many things there are, and the share that it is."""
    return f"{count(part)} of {count(whole)} {what} ({percent(part / whole)})"
