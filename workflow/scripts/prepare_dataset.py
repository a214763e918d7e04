"""Raw files of questions into one table, with an audit."""

import polars as pl
from slmrag.audit import audit_questions
from slmrag.files import write_json, write_table
from slmrag.gold import with_gold
from slmrag.job import run_job
from slmrag.questions import checked, row
from slmrag.readers import files_of, reader
from slmrag.readers.shapes import QUESTIONS
from slmrag.sampling import sample


def main(input, output, params):
    """Read, check, sample and write the questions of a set, and count what they hold."""
    entry = params.entry
    read = reader(entry["format"], "questions")
    placed = checked(files_of(input.raw), read, entry.get("columns") or {})
    chosen = sample(
        placed, entry.get("limit"), entry.get("seed", 0), key=lambda pair: pair[1].question_id
    )
    questions = with_gold(list(chosen), files_of(list(input.gold_raw)), entry)
    rows = [row(question) for question in questions]
    write_table(pl.DataFrame(rows, schema=QUESTIONS), output.questions)
    summary = audit_questions(rows)
    write_json(summary, output.audit)
    return {name: value for name, value in summary.items() if not isinstance(value, dict)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
