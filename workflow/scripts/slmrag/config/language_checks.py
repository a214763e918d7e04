"""Settings that a language does not support, or that have no effect for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slmrag.config.languages import (
    LUCENE_LANGUAGES,
    MLQA_LANGUAGES,
    UNSPACED_LANGUAGES,
    primary_language,
)

if TYPE_CHECKING:
    from slmrag.config.schema import Config


def metric_problems(config: "Config") -> Iterator[str]:
    """Yield a sentence for each data set that MLQA's metrics have no rules for."""
    if "mlqa" not in (config.metrics.variants or ()):
        return
    for name, dataset in config.datasets.items():
        where, known = f"datasets.{name}.language", f"its languages are {', '.join(MLQA_LANGUAGES)}"
        instead = "or name unicode in metrics.variants in its place"
        if dataset.language is None:
            yield f"{where}: missing, but metrics.variants names mlqa; {known}: set one, {instead}"
        elif primary_language(dataset.language) not in MLQA_LANGUAGES:
            yield (
                f"{where}: mlqa has no rules for '{dataset.language}'; {known}: remove mlqa, "
                f"{instead}"
            )


def cell_problems(config: "Config", dataset: str, mode: str) -> Iterator[str]:
    """Yield a sentence where a cell's Lucene does not support the language, or a key is idle."""
    corpus, language = _corpus_language(config, dataset)
    for name in _with_upstream(config, config.modes[mode].retriever):
        if (
            config.retrievers[name].kind == "lucene"
            and language
            and language not in LUCENE_LANGUAGES
        ):
            yield (
                f"corpora.{corpus}.language: retriever '{name}' is of kind lucene, which has no "
                f"analyzer for '{language}'; use kind: rank_bm25 or bm25s, or remove the language"
            )
        elif config.retrievers[name].kind == "lucene" and language not in (None, "en"):
            yield from _idle_keys(config, name, f"corpora.{corpus}.language is {language}")


def _idle_keys(config: "Config", name: str, why: str) -> Iterator[str]:
    """Yield a sentence for each key that only Lucene's English analyzer reads."""
    entry = config.retrievers[name].params()
    for key in ("stemmer", "keep_stopwords"):
        if entry.get(key) not in (None, "none", False):
            yield (
                f"retrievers.{name}.{key}: {entry[key]!r} does nothing, as it is for Lucene's "
                f"English analyzer, and {why}; give that corpus a retriever without {key}"
            )


def language_warnings(config: "Config") -> Iterator[str]:
    """Yield a sentence for each retriever or data set that hardly fits the corpus's language."""
    for name, dataset in config.datasets.items():
        corpus, language = _corpus_language(config, name)
        own = primary_language(dataset.language)
        if language and own and language != own:
            yield (
                f"datasets.{name}.language: {own}, but its corpus {corpus} is in {language}; BM25 "
                "finds only words that both have"
            )
    pairs = {(d, name) for d in config.datasets for name in config.retrievers}
    searches = {(_corpus_language(config, dataset), name) for dataset, name in pairs}
    for (corpus, language), name in sorted(searches, key=str):
        entry, where = config.retrievers[name].params(), f"corpora.{corpus}.language is {language}"
        if language not in (None, "en") and entry.get("stopwords") not in (None, "none"):
            yield (
                f"retrievers.{name}.stopwords: {entry['stopwords']!r} is for English, but {where}; "
                "give it a retriever without stopwords"
            )
        if language in UNSPACED_LANGUAGES and entry.get("tokenizer") == "whitespace":
            yield (
                f"retrievers.{name}.tokenizer: whitespace makes whole sentences terms, as {where}; "
                "use words"
            )


def _corpus_language(config: "Config", dataset: str) -> tuple[str | None, str | None]:
    corpus = config.datasets[dataset].corpus
    entry = config.corpora.get(corpus) if corpus else None
    return corpus, primary_language(entry.language) if entry else None


def _with_upstream(config: "Config", name: str | None) -> Iterator[str]:
    """Yield a retriever and all that it combines."""
    if name:
        yield name
        for other in config.retrievers[name].upstream():
            yield from _with_upstream(config, other)
