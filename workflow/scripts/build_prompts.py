"""Join each question with the passages of its prompt; the model is not known yet."""

from pathlib import Path

from slmrag.files import write_table
from slmrag.job.run import run_job
from slmrag.prompts.context import make_contexts
from slmrag.prompts.template import check_template


def main(input, output, params):
    """Write one row per question: the question, its passages in order, and the prompt template."""
    import polars as pl

    template = check_template(Path(input.template).read_text(encoding="utf-8"), str(input.template))
    questions = pl.read_parquet(input.questions)
    prompts = make_contexts(questions, input.hits, input.passages, params.entry, params.dataset)
    prompts = prompts.with_columns(template=pl.lit(template))
    write_table(prompts, output.prompts)
    return {
        "questions": prompts.height,
        "passages": prompts["passages"].list.len().sum(),
        "has_answer": prompts["has_answer"].mean(),
    }


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
