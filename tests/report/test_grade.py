"""A judge grades answers through one of our engines."""

import json
from pathlib import Path
from types import SimpleNamespace

import grade_answers
import polars as pl
import pytest
import report_comparison

from tests.report.made_up import MadeUp

TEMPLATE = Path(__file__).parents[2] / "config/prompts/judge.jinja"


def grade(folder, said):
    """Let an echoing judge that always says the same grade one cell; return table and summary."""
    made = MadeUp(folder, models=("tiny",), questions=6)
    cell = ("tiny", "facts", "oracle_context")
    input = SimpleNamespace(
        answers=[made.path("answers", *cell)],
        questions=made.input.questions,
        template=TEMPLATE,
        checkpoint=[],
        manifest=[],
    )
    output = SimpleNamespace(grades=[folder / "grades.parquet"], summaries=[folder / "grades.json"])
    params = SimpleNamespace(
        model={"engine": "echo", "options": {"answer": said}},
        sampling={"max_tokens": 8},
        metrics={"confidence": 0.95, "bootstrap": 100},
        journal=str(folder / "journal"),
        cells=[dict(zip(("model", "dataset", "mode"), cell, strict=True))],
    )
    grade_answers.main(input, output, params)
    return pl.read_parquet(output.grades[0]), json.loads(output.summaries[0].read_text())


@pytest.mark.parametrize(
    ("said", "grade_"), [("A", "correct"), ("C", "not_attempted"), ("Well, A", "unparseable")]
)
def test_each_answer_gets_the_judge_s_grade(tmp_path, said, grade_):
    """Verdict and grade stand in the table, the counts and the judge in the summary."""
    table, summary = grade(tmp_path, said)
    assert table["verdict"].to_list() == [said] * 6 and table["grade"].to_list() == [grade_] * 6
    assert summary[grade_] == 6 and summary["judge"]["recipe"]["engine"] == "echo 1"
    assert len(summary["judge"]["prompt"]) == 64


def test_grades_stand_in_the_report(tmp_path):
    """Where a judge was asked, the report shows its grades, and who it was."""
    grade(tmp_path, "A")
    path = tmp_path / "grades.json"
    made = MadeUp(tmp_path, models=("tiny",), questions=6)
    input = SimpleNamespace(**vars(made.input), grades=[path])
    report_comparison.main(input, made.output, made.params)
    assert "Graded by a judge" in made.output.html.read_text()
    row = json.loads(made.output.analysis.read_text())["grades"][0]
    assert row["share_correct"] == 1.0 and "echo 1" in row["judge"]


def test_the_judge_sees_question_references_and_answer():
    """The prompt names all three, and takes none of them for a template."""
    from slmrag.grading import questions_for_judge

    answers = pl.DataFrame({"question_id": ["q"], "answer": ["{{ 7 * 7 }} <b>"]})
    rows = {"question_id": ["q"], "question": ["Who?"], "answers": [["Ada", "A. L."]]}
    asked = questions_for_judge(answers, pl.DataFrame(rows), TEMPLATE.read_text())
    text = asked["question"][0]
    assert "Question: Who?" in text and "Reference: Ada | A. L." in text
    assert "Answer: {{ 7 * 7 }} <b>" in text
