"""Let a judge model grade each answer as correct, incorrect or not attempted."""

from pathlib import Path
from tempfile import TemporaryDirectory

from slmrag.files import sha256_file, write_json, write_table
from slmrag.generation import refused_prompts
from slmrag.generation.answer_tables import AnswerTables, warn_of_cuts, warn_of_reasoning
from slmrag.generation.cache_key import cache_key, open_journal
from slmrag.generation.generate import generate
from slmrag.generation.generation_job import GenerationJob
from slmrag.generation.time_shares import WorkTimes
from slmrag.job.run import run_job
from slmrag.prompts.template import prompt_digest
from slmrag.scoring.judge import grade_verdict, judge_name, questions_for_judge, summarize_grades


def main(input, output, params):
    """Write, for each cell, the verdict and grade of each answer, and their summary."""
    import polars as pl

    job = GenerationJob.of(input, params)
    template = Path(input.template).read_text(encoding="utf-8")
    judge = {"name": judge_name(params.model), "cache_key": cache_key(job)}
    judge["prompt"] = prompt_digest(template)
    results = {}
    with TemporaryDirectory() as scratch, open_journal(job, Path(params.journal)) as journal:
        cells = []
        for place, files in enumerate(zip(input.answers, input.questions, strict=True)):
            prompts = questions_for_judge(*map(pl.read_parquet, files), template)
            cells.append(make_scratch_cell(Path(scratch, str(place)), prompts, job.extractor))
        generate(job, journal, [cell for cell, _ in cells], "grade")
        names = ["/".join(name.values()) for name in params.cells]
        asked = {name: cell for name, (cell, _) in zip(names, cells, strict=True)}
        refused_prompts.report_refused(job.entry, journal, asked)
        work_times = WorkTimes(journal)
        written = zip(params.cells, output.grades, output.summaries, strict=True)
        for place, (name, table, page) in enumerate(written):
            cell, made = cells[place]
            counts = cell.write(journal, work_times)
            warn_of_cuts(f"the judge of {'/'.join(name.values())}", counts, cell.height())
            warn_of_reasoning(f"the judge of {'/'.join(name.values())}", counts, cell.height())
            grades = write_grades(input.answers[place], made / "verdicts.parquet", table)
            summary = {**name, **summarize_grades(grades, params.metrics), "judge": judge}
            summary["shortened"] = counts["shortened"]
            summary["refused"] = len(grades) - cell.height()
            summary["refused_by_judge"] = counts["refused"]
            summary["sources"] = {"answers": sha256_file(input.answers[place])}
            write_json(summary, page)
            results[f"share_correct/{'/'.join(name.values())}"] = summary["share_correct"]["mean"]
    return results


def write_grades(answers, verdicts, table):
    """Write each question's verdict, grade and number of words cut from its prompt; return grades.

    The verdict is null if the judge was not asked, because there was no answer.
    """
    import polars as pl

    asked = pl.read_parquet(answers, columns=["question_id"])
    found = asked.join(
        pl.read_parquet(verdicts), on="question_id", how="left", maintain_order="left"
    )
    grades = pl.Series(
        "grade", [grade_verdict(text) for text in found["raw_answer"]], dtype=pl.String
    )
    kept = found.select("question_id", "prompt_digest", grades, "words_cut", verdict="raw_answer")
    write_table(kept, table)
    return grades.to_list()


def make_scratch_cell(folder, prompts, reading):
    """Return a cell whose files are in a temporary folder, and that folder."""
    folder.mkdir()
    write_table(prompts, folder / "prompts.parquet")
    names = ("prompts.parquet", "verdicts.parquet", "timings.parquet")
    return AnswerTables(*(str(folder / name) for name in names), folder / "rows", reading), folder


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
