"""What a config asks of a language that nothing here can do, or that does nothing for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slmrag.languages import LUCENE, MLQA, primary

if TYPE_CHECKING:
    from slmrag.config import Config


def of_metrics(config: "Config") -> Iterator[str]:
    """Yield a sentence for each data set that MLQA's metrics have no rules for."""
    if "mlqa" not in (config.metrics.variants or ()):
        return
    for name, dataset in config.datasets.items():
        where, known = f"datasets.{name}.language", f"its languages are {', '.join(MLQA)}"
        instead = "or name unicode in metrics.variants in its place"
        if dataset.language is None:
            yield f"{where}: missing, but metrics.variants names mlqa; {known}: set one, {instead}"
        elif primary(dataset.language) not in MLQA:
            yield f"{where}: mlqa has none of '{dataset.language}'; {known}: remove mlqa, {instead}"


def of_cell(config: "Config", dataset: str, mode: str) -> Iterator[str]:
    """Yield a sentence where a cell's retriever analyses a language that Lucene does not know."""
    corpus, language = _spoken(config, dataset)
    for name in _searching(config, config.modes[mode].retriever):
        if config.retrievers[name].kind == "lucene" and language and language not in LUCENE:
            yield (
                f"corpora.{corpus}.language: retriever '{name}' is of kind lucene, which has no "
                f"analyser for '{language}'; use kind: rank_bm25 or bm25s, or remove the language"
            )


def oddities(config: "Config") -> Iterator[str]:
    """Yield a sentence for each key of a retriever that is English's, where the corpus is not."""
    pairs = {(d, name) for d in config.datasets for name in config.retrievers}
    told = {(_spoken(config, dataset), name) for dataset, name in pairs}
    for (corpus, language), name in sorted(told, key=str):
        entry = config.retrievers[name].params()
        keys = ("stemmer", "keep_stopwords") if entry["kind"] == "lucene" else ("stopwords",)
        for key in keys if language not in (None, "en") else ():
            if entry.get(key) not in (None, "none"):
                yield (
                    f"retrievers.{name}.{key}: {entry[key]!r} is for English, but "
                    f"corpora.{corpus}.language is {language}; give it a retriever without {key}"
                )


def _spoken(config: "Config", dataset: str) -> tuple[str | None, str | None]:
    corpus = config.datasets[dataset].corpus
    entry = config.corpora.get(corpus) if corpus else None
    return corpus, primary(entry.language) if entry else None


def _searching(config: "Config", name: str | None) -> Iterator[str]:
    """Yield a retriever and all that it combines."""
    if name:
        yield name
        for other in config.retrievers[name].upstream():
            yield from _searching(config, other)
