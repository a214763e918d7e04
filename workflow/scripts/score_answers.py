"""Score each answer of a job's cells against its question's references."""

from functools import cache

from slmrag.files import sha256_file, write_json, write_table
from slmrag.job.run import run_job
from slmrag.scoring.score_table import join_answers, score_rows
from slmrag.scoring.summary import AVERAGED_METRICS, summarize_scores


def main(input, output, params):
    """Write, for each cell, one row of scores a question, and means with their intervals."""
    read_questions, digest = cache(read_table), cache(sha256_file)
    answered = zip(input.answers, input.questions, input.prompts, strict=True)
    written = zip(params.cells, output.scores, output.summaries, strict=True)
    results = {}
    for (answers, questions, prompts), (cell, table, page) in zip(answered, written, strict=True):
        rows = join_answers(
            read_table(answers), read_questions(questions), read_table(prompts), answers
        )
        scores = score_rows(rows, params.metrics.get("variants") or (), cell.get("language"))
        summary = {**cell, **summarize_scores(scores, params.metrics)}
        summary["sources"] = {"answers": digest(answers), "questions": digest(questions)}
        write_table(scores, table)
        write_json(summary, page)
        results |= tracked_means(summary)
    return results


def read_table(path):
    """Return a whole table."""
    import polars as pl

    return pl.read_parquet(path)


def tracked_means(summary):
    """Return a cell's means under names with the cell."""
    cell = f"{summary['dataset']}/{summary['mode']}"
    means = {f"{name}/{cell}": summary[name]["mean"] for name in AVERAGED_METRICS}
    counted = {"questions": "n", "truncated": "truncated", "empty": "empty", "refused": "refused"}
    return means | {f"{name}/{cell}": summary[key] for name, key in counted.items()}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
