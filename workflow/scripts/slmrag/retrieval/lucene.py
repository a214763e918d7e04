"""Lucene's BM25, through Anserini: its analyzers, its ties, its run file.

k1 and b act while searching; Lucene's own rounding of lengths is part of its scores.
"""

import logging
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import normalize

import polars as pl

from slmrag.errors import UserError
from slmrag.indexing import anserini
from slmrag.indexing.lucene import BUILD, analysis_options
from slmrag.job.progress import bar
from slmrag.models import text_limits
from slmrag.retrieval.hits import Hits

__all__ = ["BUILD", "search", "shorten_question"]

MAX_QUERY_WORDS = 1_000
QUERY_LIMIT = text_limits.TextLimit(
    MAX_QUERY_WORDS, "the words that one query of Lucene may have", MAX_QUERY_WORDS, "words"
)
DEFAULTS = {"k1": 0.9, "b": 0.4}  # Anserini's own
SHORT_SEARCH_WORK = 50 * 2**30  # questions x bytes of the index

_log = logging.getLogger(__name__)
_WORD_OR_SIGN = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]|\w+|[^\s\x00-\x7f]")
_PROGRESS_LINE = re.compile(r": (\d+) queries processed")
_RUN_COLUMNS = dict.fromkeys(["question", "q0", "passage", "rank", "score", "tag"], pl.String) | {
    "question": pl.Int64,
    "passage": pl.Int64,
    "score": pl.Float64,
}


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's best passages; ties by lower row."""
    lucene, threads = anserini.find_anserini(), params.get("threads", 1)
    used = {**DEFAULTS, **params}
    weights = ["-bm25", "-bm25.k1", used["k1"], "-bm25.b", used["b"]]
    with tempfile.TemporaryDirectory() as folder:
        topics, run = Path(folder, "topics.tsv"), Path(folder, "run.txt")
        asked, cut = _write_topics(questions, topics)
        if not asked:
            return Hits.of([])
        facts = text_limits.reading_facts("questions", len(questions), cut, QUERY_LIMIT)
        what = ["-topics", topics, "-topicReader", "TsvInt", "-output", run, "-hits", depth]
        speed = ["-threads", threads, "-parallelism", threads]
        arguments = ["-index", index, *what, *weights, *speed, *analysis_options(params)]
        work = asked * sum(file.stat().st_size for file in index.iterdir())
        options = anserini.SHORT_RUN_OPTIONS if work < SHORT_SEARCH_WORK else ()
        _show_progress(lucene.run("search.SearchCollection", arguments, options), asked)
        return _read_run(run).with_facts(**facts)


def _write_topics(questions: Sequence[str], path: Path) -> tuple[int, int]:
    """Write a line for each question that is not blank; return how many there are and were cut."""
    asked = [(row, *shorten_question(question)) for row, question in enumerate(questions)]
    lines = [f"{row}\t{text}\n" for row, text, _ in asked if text]
    path.write_text("".join(lines), encoding="utf-8")
    return len(lines), sum(cut for *_, cut in asked)


def shorten_question(question: str) -> tuple[str, bool]:
    """Return a question on one line, up to Lucene's limit of words, and whether it was cut."""
    line = normalize("NFC", " ".join(question.split()))
    beyond = next(islice(_WORD_OR_SIGN.finditer(line), MAX_QUERY_WORDS, None), None)
    if beyond is None:
        return line, False
    _log.warning("cut after %d words: %s...", MAX_QUERY_WORDS, line[:60])
    return line[: beyond.start()].strip(), True


def _show_progress(lines: Iterator[str], asked: int) -> None:
    """Show the progress of the search; UserError unless all questions were searched."""
    done = 0
    with bar(total=asked, desc="search", unit="q") as progress:
        for line in lines:
            if found := _PROGRESS_LINE.search(line):
                progress.update(int(found[1]) - done)
                done = int(found[1])
    if done != asked:
        raise UserError(f"Lucene searched {done} of {asked} questions; see the job's log")


def _read_run(run: Path) -> Hits:
    """Return the hits of a TREC run file whose ids are rows."""
    table = pl.read_csv(
        run,
        separator=" ",
        has_header=False,
        columns=[0, 2, 4],
        schema=_RUN_COLUMNS,
        quote_char=None,
    )
    question, passage, score = (column.to_numpy() for column in table)
    return Hits.best(question, passage, score, depth=len(table))
