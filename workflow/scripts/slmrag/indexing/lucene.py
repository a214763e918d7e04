"""Lucene's index, made by Anserini's own program; k1 and b are not part of it."""

import json
import logging
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unicodedata import normalize

from slmrag.config.languages import primary_language
from slmrag.data import passages as corpus
from slmrag.data.unicode_scripts import count_signs, describe_shares, script_shares
from slmrag.errors import UserError
from slmrag.indexing import anserini
from slmrag.job.progress import bar

BUILD = {"stemmer": "porter", "keep_stopwords": False}

_log = logging.getLogger(__name__)
_COUNT_LINE = re.compile(r"(indexed|unindexable|empty|skipped|errors): +([\d,]+)")


def build(passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Index a corpus with Anserini; return the options that were used."""
    lucene, options = anserini.find_anserini(), [*analysis_options(params), "-optimize"]
    _warn_of_script(passages, params)
    threads = params.get("threads", 1)
    with tempfile.TemporaryDirectory(dir=index.parent) as folder:
        total = _write_json_lines(passages, Path(folder), threads)
        where = ["-input", folder, "-index", index, "-threads", threads, "-memoryBuffer", 512]
        how = ["-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator"]
        output = "".join(lucene.run("index.IndexCollection", [*how, *where, *options]))
    (index / "write.lock").unlink(missing_ok=True)
    counts = {name: int(number.replace(",", "")) for name, number in _COUNT_LINE.findall(output)}
    if counts.get("errors") or sum(counts.values()) != total:
        raise UserError(f"{passages}: Lucene indexed {counts} of {total} passages")
    return {"options": options, "anserini": lucene.version(), "counts": counts}


def _warn_of_script(passages: Path, params: Mapping[str, Any]) -> None:
    """Warn if the English analyzer gets passages that are mostly in another script."""
    scripts = script_shares(count_signs(corpus.sample(passages, 8, 100)))
    if not params.get("language") and scripts and scripts.get("Latin", 0) < 0.5:
        _log.warning(
            "Lucene's English analyzer reads passages in %s; set language of the corpus",
            describe_shares(scripts),
        )


def analysis_options(params: Mapping[str, Any]) -> list[str]:
    """Return Anserini's options for the analyzer: the English one, or that of a language."""
    if (language := primary_language(params.get("language"))) not in (None, "en"):
        return ["-language", language]
    return ["-stemmer", params["stemmer"], *["-keepStopwords"] * params["keep_stopwords"]]


def _write_json_lines(passages: Path, folder: Path, files: int) -> int:
    """Write the corpus as JSON lines into several files, one per thread; return its size."""
    outs = [(folder / f"{n}.jsonl").open("w", encoding="utf-8") for n in range(files)]
    total, row = corpus.size(passages), 0
    with bar(total=total, desc="hand over passages", unit="passage", unit_scale=True) as progress:
        for texts in corpus.texts(passages):
            for text in texts:
                line = json.dumps({"id": f"{row:010d}", "contents": normalize("NFC", text)})
                outs[row % files].write(line + "\n")
                row += 1
            progress.update(len(texts))
    for out in outs:
        out.close()
    return total
