"""docs/results.md, from the report of `make results`: tables, and what they were made from."""

import csv
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "results/published/report"
PAGE = ROOT / "docs/results.md"
METRICS = {"token_recall": "Token recall", "f1": "F1", "token_match": "Token match"}
RETRIEVAL = ("has_answer@1", "has_answer@5", "gold_recall@1", "gold_recall@5", "mrr")
INTRO = """# SmolLM2-135M-Instruct on SimpleQA and on the World Factbook

<!-- Written by `make results`. Do not edit: edit demo/write_results.py. -->

All 4,326 questions of SimpleQA without context, and 1,749 questions about the countries of the
world in four modes: without context, with the gold passage, with the best passage of BM25 and of
all-MiniLM-L6-v2 among 2,257. Greedy decoding, at most 20 tokens, one prompt for each kind of mode
(`config/prompts/`). Model, data, and all software are pinned, so `make results` makes the same
tables from packages of PyPI alone.

In brackets: 95 % intervals (BCa bootstrap over questions; Clopper-Pearson where all questions score
the same). `make results` ends with `verify`, which computes every number again from the answers and
compares the scores with these: they may differ by 0.01.
"""
MEANING = """## What these numbers can be compared with

- **With each other**: the modes of the Factbook were asked the same questions, so their
  differences are tested question by question (above).
- **With your own run** of `make results` or of another model with this config: same questions,
  same passages, same prompts.
- **Not with SimpleQA's published scores.** Those are shares of answers that a large judge model
  calls correct. Token recall, F1 and token match compare words with the reference.
- **Not with SmolLM2's published scores.** The weights were dequantized from 4 bits (Q4_1), and
  the prompts are ours. Use `checkpoint: hf:HuggingFaceTB/SmolLM2-135M-Instruct` for the original
  weights.
- **Not with other question sets about the Factbook.** These questions are made from eight
  templates ([demo/README.md](../demo/README.md)); their gold passages are fields of the Factbook,
  so a retriever finds them more easily than passages of Wikipedia.
"""


def main() -> None:
    """Write the page."""
    from slmrag.files import write_text

    try:
        found = json.loads((REPORT / "analysis.json").read_text(encoding="utf-8"))
        cells, pairs = (list(rows(REPORT / name)) for name in ("comparison.csv", "pairs.csv"))
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}; run make results first")
    parts = [
        INTRO,
        "## Answers\n",
        table(["Data set", "Mode", "n", *METRICS.values(), "Hit max_tokens"], map(cell_row, cells)),
        "## Differences between modes\n",
        table(["Data set", "Modes", "n", "Difference", "p (Holm)", "Verdict"], pair_rows(pairs)),
        "## Retrieval\n",
        table(["Retriever", *RETRIEVAL], map(retrieval_row, found["retrieval"])),
        MEANING,
        "## What they were made from\n",
        table(["What", "SHA-256 (its first 16 digits) or version"], origin_rows(found)),
        f"Made on {date.today()} on {machine()}.",
    ]
    write_text("\n".join(parts) + "\n", PAGE)
    print(PAGE)


def rows(path: Path) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table and an empty line."""
    from slmrag.report.paper_tables import markdown_row

    return "\n".join(map(markdown_row, [head, ["---"] * len(head), *body])) + "\n"


def cell_row(cell: Mapping[str, str]) -> list[str]:
    """Return a cell's row: its names, its number of questions, its metrics with intervals."""
    names = [cell["dataset"], cell["mode"], cell["n"]]
    return [*names, *(estimate(cell, metric) for metric in METRICS), cell["truncated"]]


def pair_rows(pairs: Iterable[Mapping[str, str]]) -> Iterator[list[str]]:
    """Yield a row for each tested pair: its difference, first mode minus second."""
    for pair in pairs:
        modes = f"{pair['first']} - {pair['second']}"
        p = f"{float(pair['p_holm']):.2g}" if pair["p_holm"] else "-"
        yield [pair["dataset"], modes, pair["n"], estimate(pair, "effect"), p, pair["verdict"]]


def retrieval_row(found: Mapping[str, Any]) -> list[str]:
    """Return a retriever's row."""
    return [found["retriever"], *(estimate(found, metric) for metric in RETRIEVAL)]


def estimate(row: Mapping[str, Any], name: str, missing: str = "-") -> str:
    """Return a value with its interval, or ``missing`` where one of them is not there."""
    values = [row.get(name + end) for end in ("", "_low", "_high")]
    if any(value in ("", None) for value in values):
        return missing
    value, low, high = (f"{float(str(value)):.3f}" for value in values)
    return f"{value} [{low}, {high}]"


def origin_rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the digests of data, models and indexes, then the versions of code and libraries."""
    for one in found["contents"]:
        if one["name"] == "digest":
            yield [one["what"], f"`{one['value'][:16]}`"]
    for one in found["versions"]:
        if one["what"] in ("code", "report", "engine"):
            yield [f"{one['what']}: {one['name']}", one["value"][:16]]


def machine() -> str:
    """Return what this machine is: its processor, its cores, its system."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else platform.machine()}"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "workflow/scripts"))
    main()
