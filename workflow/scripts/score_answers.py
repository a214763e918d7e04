"""Score each answer of one cell against its question's references."""

from slmrag.files import sha256_file, write_json, write_table
from slmrag.job import run_job
from slmrag.summary import AVERAGED, summarise
from slmrag.verdicts import joined, scored


def main(input, output, params):
    """Write one row of scores a question, and the cell's means with their intervals."""
    import polars as pl

    answers, questions, prompts = map(
        pl.read_parquet, (input.answers, input.questions, input.prompts)
    )
    scores = scored(joined(answers, questions, prompts, str(input.answers)))
    summary = {**params.cell, **summarise(scores, params.metrics)}
    summary["sources"] = {"answers": sha256_file(input.answers)}
    summary["sources"]["questions"] = sha256_file(input.questions)
    write_table(scores, output.scores)
    write_json(summary, output.summary)
    return {"questions": summary["n"]} | {name: summary[name]["mean"] for name in AVERAGED}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
