"""Raw files of questions into one table, with an audit."""

import logging
from collections import Counter

import polars as pl
from slmrag.alphabets import misfits
from slmrag.files import write_json, write_table
from slmrag.gold import with_gold
from slmrag.job import run_job
from slmrag.overlap import overlaps
from slmrag.question_audit import audit_questions, misfit
from slmrag.questions import checked, row
from slmrag.readers import reader
from slmrag.readers.folders import files_of
from slmrag.readers.shapes import QUESTIONS
from slmrag.sampling import sample

log = logging.getLogger(__name__)


def main(input, output, params):
    """Read, check, sample and write the questions of a set, and count what they hold."""
    entry, columns = params.entry, params.entry.get("columns") or {}
    read = reader(entry["format"], "questions")
    left_out: list[str] = []
    chosen = sample(
        checked(files_of(input.raw), read, entry, left_out),
        entry.get("limit"),
        entry.get("seed", 0),
        key=lambda pair: pair[1].question_id,
    )
    questions = with_gold(list(chosen), files_of(list(input.gold_raw)), entry)
    rows = [row(question) for question in questions]
    table, summary = pl.DataFrame(rows, schema=QUESTIONS), audit_questions(rows)
    if trains := files_of(list(getattr(input, "train_raw", []))):
        train = ((one.question, one.answers) for path in trains for one in read(path, columns))
        table = table.with_columns(overlap=pl.Series(overlaps(rows, train), dtype=pl.String))
        summary["overlap"] = dict(Counter(table["overlap"]))
    if left_out:
        first, summary["left_out"] = left_out[0], len(left_out)
        log.warning("%d questions left out: their answers have no words (%s)", len(left_out), first)
    odd = misfits(summary["scripts"]["answers"], entry.get("language"), "the answers")
    for sentence in [*odd, *filter(None, [misfit(summary)])]:
        log.warning("%s", sentence)
    write_table(table, output.questions)
    write_json(summary, output.audit)
    return {name: value for name, value in summary.items() if not isinstance(value, dict)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
