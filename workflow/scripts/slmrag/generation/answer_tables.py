"""One cell of the grid on its way from prompts to answers."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.generation.answer_extraction import Reading
from slmrag.generation.journal import Journal
from slmrag.generation.row_buffer import Spool
from slmrag.generation.time_shares import Works
from slmrag.models.reasoning import UNFINISHED
from slmrag.prompts.truncation import Prompt

if TYPE_CHECKING:
    import polars as pl

logger = logging.getLogger(__name__)
BATCH = 256
ASKED = ("question_id", "prompt", "prompt_digest", "passages", "passages_dropped", "words_cut")
MADE = ("raw_answer", "answer", "reasoning", "prompt_tokens", "generated_tokens")
MADE += ("finish_reason", "refusal")
ANSWERS = (*ASKED[:3], *MADE[:-1], *ASKED[3:], "refusal")
COUNTED = ("truncated", "empty", "unfinished_reasoning", "refused")
COUNTED += ("shortened", "questions_shortened")
READING = Reading()
TIMES = ("first_token_seconds", "seconds", "engine", "work_seconds")


class Cell:
    """The prompts of one data set and mode, and the two tables that their answers go to."""

    def __init__(
        self, prompts: str, answers: str, timings: str, scratch: Path, reading: Reading = READING
    ) -> None:
        self._reading = reading
        self._prompts, self._answers, self._timings = Path(prompts), Path(answers), Path(timings)
        self._asked = Spool(scratch / "asked", schema(ASKED))
        self._made = Spool(scratch / "made", schema(ASKED + MADE + TIMES))

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the table of prompts a few rows at a time, in order."""
        import polars as pl

        table = pl.scan_parquet(self._prompts)
        for frame in table.collect_batches(chunk_size=16 * BATCH, maintain_order=True):
            yield from (part.to_dicts() for part in frame.iter_slices(BATCH))

    def height(self) -> int:
        """Return the number of prompts."""
        import polars as pl

        return pl.scan_parquet(self._prompts).select(pl.len()).collect().item()

    def ask(self, names: Sequence[str], prompts: Sequence[Prompt], keys: Sequence[str]) -> None:
        """Note which prompt each question became."""
        asked = zip(names, prompts, keys, strict=True)
        self._asked.add([(name, prompt.text, key, *prompt[1:4]) for name, prompt, key in asked])

    def refused(self, journal: Journal) -> Iterator[tuple[str, str]]:
        """Yield each question that an endpoint refused to answer, and its code and words."""
        for frame in self._asked.frames():
            found = journal.refusals(frame["prompt_digest"].to_list())
            asked = frame.select("question_id", "prompt_digest").iter_rows() if found else ()
            yield from ((id, _words(found[key])) for id, key in asked if key in found)

    def write(self, journal: Journal, works: Works) -> dict[str, int]:
        """Write the answers, the same for the same journal, and the timings; return counts.

        ``works`` are of the same journal; each run's record says how long it was busy. A refused
        prompt has an empty answer, the finish reason ``refused`` and no part of any engine's time.
        """
        counts = dict.fromkeys(COUNTED, 0)
        runs: set[str] = set()
        for frame in self._asked.frames():
            made = _outcomes(journal, works, frame["prompt_digest"].to_list())
            asked = zip(frame.rows(), made, strict=True)
            rows = [(*row, *self._columns(one, row[1]), work) for row, (one, work) in asked]
            self._made.add(rows)
            runs.update(one["engine"] for one, _ in made)
            for name, count in _counts(rows).items():
                counts[name] += count
        found = [journal.engines[run] | {"busy_seconds": works.busy_seconds(run)} for run in runs]
        records = sorted(found, key=lambda one: one["started"])
        self._made.write(self._timings, ["question_id", *TIMES], {"engines": json.dumps(records)})
        self._made.write(self._answers, ANSWERS, {})
        return counts

    def _columns(self, made: dict[str, Any], prompt: str) -> tuple[Any, ...]:
        """Return the columns MADE and TIMES of a completion or a refusal, but its work."""
        if "code" in made:
            return "", "", None, None, None, "refused", _words(made), None, None, made["engine"]
        said = self._reading.read(made["text"].encode("utf-8", "replace").decode(), prompt)
        tokens = made["prompt_tokens"], made["generated_tokens"]
        reason = "stop" if said.stopped else made["finish_reason"]
        return *said[:3], *tokens, reason, None, *(made[name] for name in TIMES[:-1])


def _outcomes(
    journal: Journal, works: Works, keys: Sequence[str]
) -> list[tuple[dict[str, Any], float | None]]:
    """Return the completion or refusal of each prompt, and its part of the engine's time."""
    refused = journal.refusals(keys)
    made = journal.read([key for key in keys if key not in refused])
    answered = zip(made, works.seconds(made), strict=True)
    return [(refused[key], 0.0) if key in refused else next(answered) for key in keys]


def _words(refusal: dict[str, Any]) -> str:
    """Return why a prompt was refused: the server's code and words."""
    words = f"{refusal['code']}: {refusal['reason']}".removesuffix(": ")
    return words.encode("utf-8", "replace").decode()


def _counts(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    place = {name: at for at, name in enumerate(ASKED + MADE)}
    return {
        "truncated": sum(row[place["finish_reason"]] == "length" for row in rows),
        "empty": sum(not (row[place["answer"]] or row[place["refusal"]]) for row in rows),
        "unfinished_reasoning": sum(row[place["reasoning"]] == UNFINISHED for row in rows),
        "refused": sum(row[place["finish_reason"]] == "refused" for row in rows),
        "shortened": sum(bool(row[4] or row[5]) for row in rows),
        "questions_shortened": sum(bool(row[5] and not row[3]) for row in rows),
    }


def warn_of_cuts(name: str, counts: Mapping[str, int], height: int) -> None:
    """Say in the log how many of a cell's prompts were cut to fit the model, where any was."""
    if counts["shortened"]:
        logger.warning(
            "%s: %d of %d prompts did not fit the model and lost passages or words (%d of them "
            "words of the question); raise max_model_len, lower max_tokens or give fewer passages",
            name,
            counts["shortened"],
            height,
            counts["questions_shortened"],
        )


def warn_of_reasoning(name: str, counts: Mapping[str, int], height: int) -> None:
    """Say in the log how many of a cell's completions end inside their reasoning, if any does."""
    if counts["unfinished_reasoning"]:
        logger.warning(
            "%s: %d of %d completions end inside their reasoning, so they have no answer; raise "
            "max_tokens, or see the model's key reasoning",
            name,
            counts["unfinished_reasoning"],
            height,
        )


def schema(names: Sequence[str]) -> dict[str, "pl.DataType"]:
    """Return the types of columns by name."""
    import polars as pl

    numbers = ("prompt_tokens", "generated_tokens", *ASKED[3:])
    seconds = ("first_token_seconds", "seconds", "work_seconds")
    known = dict.fromkeys(numbers, pl.Int32()) | dict.fromkeys(seconds, pl.Float64())
    return {name: known.get(name, pl.String()) for name in names}
