"""The answer tables: each prompt beside what the journal has for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.files import write_table
from slmrag.generation import Setup, batches, prompt_digest
from slmrag.journal import Journal
from slmrag.trimming import trim

if TYPE_CHECKING:
    import polars as pl

INTEGERS = ("prompt_tokens", "generated_tokens", "passages", "passages_dropped", "words_cut")
TIMES = ("question_id", "first_token_seconds", "seconds", "engine")


def write_cell(
    setup: Setup, journal: Journal, prompts: Path, answers: Path, timings: Path
) -> dict[str, int]:
    """Write the answers and the timings of one cell; return its counts."""
    import polars as pl

    rows = pl.DataFrame(list(_rows(setup, journal, prompts)), schema=_schema(), orient="row")
    metadata = {"engines": json.dumps(_engines(rows, journal))}
    write_table(rows.select(TIMES), timings, metadata)
    made = rows.drop(TIMES[1:])
    write_table(made, answers)
    return {
        "truncated": int((made["finish_reason"] == "length").sum()),
        "empty": int((made["answer"] == "").sum()),
        "shortened": int(((made["passages_dropped"] > 0) | (made["words_cut"] > 0)).sum()),
    }


def _schema() -> dict[str, Any]:
    import polars as pl

    texts = ("question_id", "prompt", "prompt_digest", "raw_answer", "answer", "finish_reason")
    return {
        **dict.fromkeys(texts, pl.String),
        **dict.fromkeys(INTEGERS, pl.Int32),
        "first_token_seconds": pl.Float64,
        "seconds": pl.Float64,
        "engine": pl.String,
    }


def _rows(setup: Setup, journal: Journal, prompts: Path) -> Iterator[tuple[Any, ...]]:
    for frame in batches(prompts):
        for row in frame.to_dicts():
            prompt = setup.layout.prompt(row)
            key = prompt_digest(prompt.text)
            made = journal[key]
            yield (
                row["question_id"],
                prompt.text,
                key,
                made["text"],
                trim(made["text"], prompt.text),
                made["finish_reason"],
                made["prompt_tokens"],
                made["generated_tokens"],
                *prompt[1:],
                made["first_token_seconds"],
                made["seconds"],
                made["engine"],
            )


def _engines(rows: "pl.DataFrame", journal: Journal) -> list[dict[str, Any]]:
    """The records of the runs that made these answers, oldest first."""
    found = [journal.engines[name] for name in rows["engine"].unique() if name in journal.engines]
    return sorted(found, key=lambda record: (record["started"], record["id"]))
