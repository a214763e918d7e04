"""The tables of answers, made from the prompts of a data set and mode and from the journal."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.files import atomic
from slmrag.generation.answer_extraction import AnswerExtractor
from slmrag.generation.journal import Journal
from slmrag.generation.time_shares import WorkTimes
from slmrag.models.reasoning import UNFINISHED
from slmrag.prompts.truncation import TRUNCATION_COLUMNS, Prompt, is_cut, question_is_cut

if TYPE_CHECKING:
    import polars as pl

logger = logging.getLogger(__name__)
ROWS_PER_BATCH = 256
ROWS_PER_PART = 8192
PROMPT_COLUMNS = ("question_id", "prompt", "prompt_digest")
ANSWER_COLUMNS = (
    *("raw_answer", "answer", "reasoning", "prompt_tokens", "generated_tokens"),
    "finish_reason",
)
TIMING_COLUMNS = ("first_token_seconds", "seconds", "engine", "work_seconds")
COUNTED_OUTCOMES = (
    *("truncated", "empty", "unfinished_reasoning", "refused"),
    *("shortened", "questions_shortened"),
)
DEFAULT_EXTRACTOR = AnswerExtractor()


class AnswerTables:
    """The prompts of one data set and mode, and the two tables that their answers go to."""

    def __init__(
        self,
        prompts: str,
        answers: str,
        timings: str,
        scratch: Path,
        extractor: AnswerExtractor = DEFAULT_EXTRACTOR,
    ) -> None:
        self._extractor = extractor
        self._prompts, self._answers, self._timings = Path(prompts), Path(answers), Path(timings)
        self._rows = RowBuffer(scratch / "rows", column_types(PROMPT_COLUMNS + TRUNCATION_COLUMNS))

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the table of prompts a few rows at a time, in order."""
        import polars as pl

        table = pl.scan_parquet(self._prompts)
        for frame in table.collect_batches(chunk_size=16 * ROWS_PER_BATCH, maintain_order=True):
            yield from (part.to_dicts() for part in frame.iter_slices(ROWS_PER_BATCH))

    def height(self) -> int:
        """Return the number of prompts."""
        import polars as pl

        return pl.scan_parquet(self._prompts).select(pl.len()).collect().item()

    def add_prompts(
        self, names: Sequence[str], prompts: Sequence[Prompt], keys: Sequence[str]
    ) -> None:
        """Note which prompt each question became."""
        asked = zip(names, prompts, keys, strict=True)
        self._rows.add([(name, prompt.text, key, *prompt[1:4]) for name, prompt, key in asked])

    def refused_questions(self, journal: Journal) -> Iterator[tuple[str, str]]:
        """Yield each question that an endpoint refused to answer, and its code and words."""
        for frame in self._rows.frames():
            found = journal.refusals(frame["prompt_digest"].to_list())
            asked = frame.select("question_id", "prompt_digest").iter_rows() if found else ()
            yield from ((id, _refusal_text(found[key])) for id, key in asked if key in found)

    def write(self, journal: Journal, work_times: WorkTimes) -> dict[str, int]:
        """Write the answers, the same for the same journal, and the timings; return counts.

        ``work_times`` are of the same journal; each run's record says how long it was busy. A
        refused prompt has an empty answer, the finish reason ``refused`` and no part of any
        engine's time.
        """
        counts, runs = dict.fromkeys(COUNTED_OUTCOMES, 0), set[str]()
        more = column_types((*ANSWER_COLUMNS, "refusal", *TIMING_COLUMNS))
        for frame in self._rows.add_columns(
            more, partial(self._result_columns, journal, work_times)
        ):
            runs.update(frame["engine"])
            for name, count in _count_outcomes(frame).items():
                counts[name] += count
        found = [
            journal.engines[run] | {"busy_seconds": work_times.busy_seconds(run)} for run in runs
        ]
        records = json.dumps(sorted(found, key=lambda one: one["started"]))
        columns = (*PROMPT_COLUMNS, *ANSWER_COLUMNS, *TRUNCATION_COLUMNS, "refusal")
        self._rows.write(self._timings, ["question_id", *TIMING_COLUMNS], {"engines": records})
        self._rows.write(self._answers, columns, {})
        return counts

    def _result_columns(
        self, journal: Journal, work_times: WorkTimes, frame: "pl.DataFrame"
    ) -> list[tuple[Any, ...]]:
        """Return the columns that are added to prompts: the outcome of each, and its times."""
        outcomes = _outcomes(journal, work_times, frame["prompt_digest"].to_list())
        asked = zip(frame["prompt"], outcomes, strict=True)
        return [(*self._outcome_columns(made, prompt), work) for prompt, (made, work) in asked]

    def _outcome_columns(self, made: dict[str, Any], prompt: str) -> tuple[Any, ...]:
        """Return the columns of a completion or a refusal, without its work_seconds."""
        if "code" in made:
            return (
                "",
                "",
                None,
                None,
                None,
                "refused",
                _refusal_text(made),
                None,
                None,
                made["engine"],
            )
        extracted = self._extractor.extract(
            made["text"].encode("utf-8", "replace").decode(), prompt
        )
        tokens = made["prompt_tokens"], made["generated_tokens"]
        reason = "stop" if extracted.stopped else made["finish_reason"]
        return *extracted[:3], *tokens, reason, None, *(made[name] for name in TIMING_COLUMNS[:-1])


def _outcomes(
    journal: Journal, work_times: WorkTimes, keys: Sequence[str]
) -> list[tuple[dict[str, Any], float | None]]:
    """Return the completion or refusal of each prompt, and its part of the engine's time."""
    refused = journal.refusals(keys)
    made = journal.read([key for key in keys if key not in refused])
    answered = zip(made, work_times.seconds(made), strict=True)
    return [(refused[key], 0.0) if key in refused else next(answered) for key in keys]


def _refusal_text(refusal: dict[str, Any]) -> str:
    """Return why a prompt was refused: the server's code and words."""
    words = f"{refusal['code']}: {refusal['reason']}".removesuffix(": ")
    return words.encode("utf-8", "replace").decode()


def _count_outcomes(frame: "pl.DataFrame") -> dict[str, int]:
    import polars as pl

    text = pl.col("answer") + pl.col("refusal").fill_null("")
    counted = {
        "truncated": pl.col("finish_reason") == "length",
        "empty": text == "",
        "unfinished_reasoning": pl.col("reasoning") == UNFINISHED,
        "refused": pl.col("finish_reason") == "refused",
        "shortened": is_cut(),
        "questions_shortened": question_is_cut(),
    }
    return frame.select(**{name: which.sum() for name, which in counted.items()}).row(0, named=True)


def warn_of_cuts(name: str, counts: Mapping[str, int], height: int) -> None:
    """Log how many of a cell's prompts were cut to fit the model, if any was."""
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
    """Log how many of a cell's completions end inside their reasoning, if any does."""
    if counts["unfinished_reasoning"]:
        logger.warning(
            "%s: %d of %d completions end inside their reasoning, so they have no answer; raise "
            "max_tokens, or see the model's key reasoning",
            name,
            counts["unfinished_reasoning"],
            height,
        )


def column_types(names: Sequence[str]) -> dict[str, "pl.DataType"]:
    """Return the types of columns by name."""
    import polars as pl

    numbers = ("prompt_tokens", "generated_tokens", *TRUNCATION_COLUMNS)
    seconds = ("first_token_seconds", "seconds", "work_seconds")
    known = dict.fromkeys(numbers, pl.Int32()) | dict.fromkeys(seconds, pl.Float64())
    return {name: known.get(name, pl.String()) for name in names}


class RowBuffer:
    """The rows of a table in the making, in parts on disk: memory stays flat."""

    def __init__(self, folder: Path, schema: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True)
        self._folder, self._schema = folder, dict(schema)
        self._rows: list[Sequence[Any]] = []
        self._parts: list[Path] = []

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows, each in the order of the schema."""
        self._rows.extend(rows)
        if len(self._rows) >= ROWS_PER_PART:
            self._flush()

    def frames(self) -> "Iterator[pl.DataFrame]":
        """Yield the table part by part."""
        import polars as pl

        self._flush()
        return (pl.read_ipc(part) for part in self._parts)

    def add_columns(
        self,
        schema: Mapping[str, Any],
        rows_of: "Callable[[pl.DataFrame], Sequence[Sequence[Any]]]",
    ) -> "Iterator[pl.DataFrame]":
        """Add columns to all rows, which ``rows_of`` makes from a part; yield each part."""
        import polars as pl

        self._flush()
        self._schema |= schema
        for part in self._parts:
            frame = pl.read_ipc(part)
            columns = dict(zip(schema, zip(*rows_of(frame), strict=True), strict=True))
            frame = frame.hstack(pl.DataFrame(columns, schema=schema))
            with atomic(part) as temporary:  # the frame may still be mapped from the file itself
                frame.write_ipc(temporary, compression="zstd")
            yield frame

    def write(self, path: Path, columns: Sequence[str], metadata: Mapping[str, str]) -> None:
        """Write columns of the table as Parquet: whole or not at all, equal rows equal bytes."""
        import polars as pl

        self._flush()
        parts = [pl.scan_ipc(part) for part in self._parts]
        table = pl.concat(parts) if parts else pl.LazyFrame(schema=self._schema)
        with atomic(path) as temporary, open(temporary, "wb") as file:
            table.select(columns).sink_parquet(
                file,
                compression="zstd",
                row_group_size=ROWS_PER_PART,
                maintain_order=True,
                metadata=dict(metadata) or None,
            )

    def _flush(self) -> None:
        import polars as pl

        if self._rows:
            part = self._folder / f"{len(self._parts):06}.arrow"
            columns = dict(zip(self._schema, zip(*self._rows, strict=True), strict=True))
            pl.DataFrame(columns, schema=self._schema).write_ipc(part, compression="zstd")
            self._parts.append(part)
            self._rows = []
