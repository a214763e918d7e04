"""Turn raw files of questions into one table, with an audit."""

import logging
from collections import Counter

import polars as pl
from slmrag.data import regex_answers
from slmrag.data.formats import reader
from slmrag.data.gold import add_gold
from slmrag.data.question_audit import audit_questions
from slmrag.data.questions import as_row, checked_questions, drop_no_answer, drops_unanswerable
from slmrag.data.reading.folders import data_files, documents_of
from slmrag.data.reading.swallowed_lines import count_swallowed, swallowed_for_audit
from slmrag.data.schemas import QUESTIONS
from slmrag.data.squad_misfit import misfit_sentence
from slmrag.data.subsample import sample
from slmrag.data.train_overlap import overlap_kinds
from slmrag.data.unicode_scripts import script_misfits
from slmrag.files import write_json, write_table
from slmrag.job.run import run_job

log = logging.getLogger(__name__)
REASONS_LEFT_OUT = {
    "wordless": ("left_out", "their answers have no words"),
    "unanswerable": ("unanswerable", "they have no answers"),
    "repeated": ("repeated", "they repeat an earlier record word for word"),
}
"""Reasons why questions are left out: (key in the audit, words)."""


def main(input, output, params):
    """Read, check, sample and write the questions of a set, and write their audit."""
    entry, left_out = params.entry, {}
    with count_swallowed() as lines:
        rows, table = read_questions(input, entry, left_out)
    summary = audit_questions(rows)
    if "overlap" in table.columns:
        summary["overlap"] = dict(Counter(table["overlap"]))
    summary |= describe_left_out(left_out) | swallowed_for_audit(lines)
    summary |= regex_answers.count_patterns(rows, entry["format"], input.raw)
    summary |= regex_answers.count_lists(rows, input.raw)
    summary |= regex_answers.count_nulls(rows, input.raw)
    odd = script_misfits(summary["scripts"]["answers"], entry.get("language"), "the answers")
    for sentence in odd:
        log.warning("%s", sentence)
    if sentence := misfit_sentence(summary):
        log.warning("%s; metrics.variants has unicode, which does not", sentence)
    write_table(table, output.questions)
    write_json(summary, output.audit)
    return {name: value for name, value in summary.items() if not isinstance(value, dict)}


def read_questions(input, entry, left_out):
    """Return the questions of a set, with their gold, as rows and as a table."""
    read = reader(entry["format"], "questions", entry)
    drawn = sample(
        checked_questions(data_files(input.raw), read, entry, left_out),
        entry.get("limit"),
        entry.get("seed", 0),
        key=lambda pair: pair[1].question_id,
    )
    questions = add_gold(list(drawn), list_gold_files(list(input.gold_raw), entry), entry)
    rows = [as_row(question) for question in questions]
    table = pl.DataFrame(rows, schema=QUESTIONS)
    if trains := data_files(list(getattr(input, "train_raw", []))):
        table = table.with_columns(overlap=train_overlap(rows, trains, read, entry))
    return rows, table


def list_gold_files(folders, entry):
    """Return the files of the gold object: documents, or records."""
    return documents_of(folders)[0] if entry.get("gold_format") == "text" else data_files(folders)


def train_overlap(rows, trains, read, entry):
    """Return each question's overlap with the train set, read by the same rules."""
    columns, dropped = entry.get("columns") or {}, drops_unanswerable(entry)
    every = (one for path in trains for one in read(path, columns))
    train = ((one.question, drop_no_answer(one.answers, entry)) for one in every)
    kept = ((question, answers) for question, answers in train if answers or not dropped)
    return pl.Series(overlap_kinds(rows, kept), dtype=pl.String)


def describe_left_out(left_out):
    """Warn of the questions that are left out, and return their counts for the audit."""
    for reason, places in left_out.items():
        log.warning(
            "%d questions left out: %s (%s)", len(places), REASONS_LEFT_OUT[reason][1], places[0]
        )
    return {REASONS_LEFT_OUT[reason][0]: len(places) for reason, places in left_out.items()}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
