"""A judge grades answers through one of our engines."""

import json
from pathlib import Path
from types import SimpleNamespace

import grade_answers
import polars as pl
import pytest
import report_comparison
import verify_report
from slmrag.errors import UserError

from tests.generation.fake_endpoint import serve
from tests.generation.refusing_endpoint import endpoint
from tests.models.tiny_model import make_model, manifest
from tests.report.made_up import MadeUp

pytestmark = pytest.mark.slow

TEMPLATE = Path(__file__).parents[2] / "config/prompts/judge.jinja"


CELL = ("tiny", "facts", "oracle_context")


def grade(folder, judge, checkpoint=None, said=None, refused=()):
    """Let a judge grade one cell, of answers ``said``; return table and summary.

    ``refused`` are the places of prompts that the model's endpoint did not answer.
    """
    made = MadeUp(folder, models=("tiny",), questions=len(said or range(6)))
    if said:
        path = made.path("answers", *CELL)
        pl.read_parquet(path).with_columns(answer=pl.Series(said)).write_parquet(path)
    if refused:
        path, place = made.path("answers", *CELL), pl.int_range(pl.len()).is_in([*refused])
        reason = pl.when(place).then(pl.lit("refused")).otherwise("finish_reason")
        pl.read_parquet(path).with_columns(finish_reason=reason).write_parquet(path)
    input = SimpleNamespace(
        answers=[made.path("answers", *CELL)],
        questions=made.input.questions,
        template=TEMPLATE,
        checkpoint=[str(checkpoint)] if checkpoint else [],
        manifest=[f"{checkpoint}.json"] if checkpoint else [],
    )
    output = SimpleNamespace(grades=[folder / "grades.parquet"], summaries=[folder / "grades.json"])
    params = SimpleNamespace(
        model=judge,
        sampling={"temperature": 0.0, "max_tokens": 8, "seed": 0},
        metrics={"confidence": 0.95, "bootstrap": 400},
        journal=str(folder / "journal"),
        cells=[dict(zip(("model", "dataset", "mode"), CELL, strict=True))],
    )
    grade_answers.main(input, output, params)
    return pl.read_parquet(output.grades[0]), json.loads(output.summaries[0].read_text())


def echoing(said):
    """Return an entry of a judge that always says the same."""
    return {"engine": "echo", "options": {"answer": said}}


def scripted(prompt):
    """Judge as the answer asks for: the verdict after 'say', nonsense for anything else."""
    answer = prompt.rpartition("Answer: ")[2].partition("\n")[0]
    return [answer.removeprefix("say ")] if answer.startswith("say ") else ["I like ", "cheese"]


def test_an_endpoint_s_verdicts_add_up(tmp_path):
    """Of A, A, B, C and nonsense, 2/5 are correct, 2/3 given attempted, and F1 is 1/2."""
    pytest.importorskip("openai")
    said = ["say A", "say A: CORRECT", "say B", "say C.", "whatever"]
    with serve(reply=scripted) as server:
        judge = {"engine": "openai", "endpoint": server.url, "served_name": "strict-judge"}
        table, summary = grade(tmp_path, judge, said=said)
    grades = ["correct", "correct", "incorrect", "not_attempted", "unparseable"]
    assert table["grade"].to_list() == grades
    assert table["verdict"].to_list() == ["A", "A: CORRECT", "B", "C.", "I like cheese"]
    assert summary["share_correct"]["mean"] == pytest.approx(0.4)
    assert summary["accuracy_given_attempted"] == pytest.approx(2 / 3)
    assert summary["f1"] == pytest.approx(0.5) and summary["unparseable"] == 1
    assert summary["judge"]["name"] == "strict-judge"
    body = server.seen[0][2]
    assert (body["max_tokens"], body["temperature"]) == (8, 0.0)


def test_the_judge_draws_by_its_own_entry(tmp_path):
    """Keys of sampling in the judge's entry are sent, beside what a judge has unless it says so."""
    pytest.importorskip("openai")
    keys = {"temperature": 0.6, "top_k": 20, "repetition_penalty": 1.1}
    with serve(reply=scripted) as server:
        judge = {"engine": "openai", "endpoint": server.url, "served_name": "j", **keys}
        _, summary = grade(tmp_path, judge, said=["say A"])
    assert {**keys, "max_tokens": 8, "seed": 0}.items() <= server.seen[0][2].items()
    assert keys.items() <= summary["judge"]["cache_key"]["sampling"].items()


def test_a_real_model_s_noise_is_unparseable(tmp_path):
    """A random Llama as judge gives verdicts that are no verdicts, and its checkpoint is named."""
    pytest.importorskip("transformers")
    folder = make_model(tmp_path / "judge", chat=True)
    manifest(folder)
    judge = {"engine": "transformers", "checkpoint": "hf:org/judge", "dtype": "float32", "gpus": 0}
    table, summary = grade(tmp_path, judge, folder)
    assert summary["n"] == 6 and summary["unparseable"] == 6 and summary["f1"] == 0.0
    assert table["verdict"].str.len_chars().sum() > 0
    assert summary["judge"]["name"] == "hf:org/judge"
    assert summary["judge"]["cache_key"]["engine"].startswith("transformers")
    assert len(summary["judge"]["cache_key"]["checkpoint"]) == 64


@pytest.mark.parametrize(
    ("said", "grade_"), [("A", "correct"), ("C", "not_attempted"), ("Well, A", "unparseable")]
)
def test_each_answer_gets_the_judge_s_grade(tmp_path, said, grade_):
    """Verdict and grade stand in the table, the counts and the judge in the summary."""
    table, summary = grade(tmp_path, echoing(said))
    assert table["verdict"].to_list() == [said] * 6 and table["grade"].to_list() == [grade_] * 6
    assert summary[grade_] == 6 and summary["judge"]["cache_key"]["engine"] == "echo 1"
    assert len(summary["judge"]["prompt"]) == 64


def test_a_refused_prompt_is_not_attempted(tmp_path):
    """No judge is asked of it: its verdict is null, and it stays in the denominator."""
    table, summary = grade(tmp_path, echoing("A"), refused=[1, 4])
    assert table["verdict"].to_list() == ["A", None, "A", "A", None, "A"]
    assert table["grade"].to_list()[1] == "not_attempted"
    assert (summary["n"], summary["not_attempted"], summary["refused"]) == (6, 2, 2)
    assert summary["share_correct"]["mean"] == pytest.approx(4 / 6)
    assert summary["accuracy_given_attempted"] == 1.0


def test_all_may_be_refused(tmp_path):
    """A cell of refusals alone is graded without a judge."""
    _, summary = grade(tmp_path, echoing("A"), refused=range(6))
    assert summary["not_attempted"] == 6 and not (tmp_path / "journal").exists()


def test_a_judge_may_refuse(tmp_path, monkeypatch):
    """Its refusal names the question; recorded, it is an unparseable verdict, and counted."""
    endpoint(monkeypatch, refuses="I don't know")
    judge = {"engine": "openai", "served_name": "j", "options": {"answer": "A"}}
    said = ["a", "I don't know.", "b"]
    with pytest.raises(UserError, match="question 'q1' of tiny/facts/oracle_context"):
        grade(tmp_path, judge, said=said)
    table, summary = grade(tmp_path, judge | {"on_refused": "record"}, said=said)
    assert table["grade"].to_list() == ["correct", "unparseable", "correct"]
    assert (summary["refused"], summary["refused_by_judge"]) == (0, 1)


@pytest.fixture
def graded(tmp_path):
    """A report with grades, two answers of which were refused: its files and the job's input."""
    grade(tmp_path, echoing("A"), refused=[1, 4])
    answers = (tmp_path / "results/made-up/answers").joinpath(*CELL).with_suffix(".parquet")
    given = answers.read_bytes()
    made = MadeUp(tmp_path, models=("tiny",), questions=6)
    answers.write_bytes(given)
    made.score(*CELL)
    input = SimpleNamespace(**vars(made.input), grades=[tmp_path / "grades.json"])
    report_comparison.main(input, made.output, made.params)
    input.html = made.output.html
    return made, input


def test_grades_stand_in_the_report(graded):
    """Where a judge was asked, the report shows its grades, and who it was."""
    made, input = graded
    assert "Graded by a judge" in made.output.html.read_text()
    row = json.loads(made.output.analysis.read_text())["grades"][0]
    digest = json.loads(input.grades[0].read_text())["judge"]["prompt"]
    assert row["share_correct"] == pytest.approx(4 / 6)
    words = "oracle_context: 2 of 6 prompts were refused by the model's endpoint; they count as not"
    assert words in made.output.html.read_text().replace("&#39;", "'")
    assert row["judge"] == f"echo by echo 1, prompt {digest[:12]}"


def test_true_grades_are_verified(graded):
    """Verify reads every verdict again."""
    made, input = graded
    assert verify_report.main(input, SimpleNamespace(), made.params)["verdicts"] == 6


def test_a_tampered_grade_is_named(graded):
    """A grade that its verdict does not give is named with its file and question."""
    made, input = graded
    path = input.grades[0].with_suffix(".parquet")
    grade = pl.when(pl.col("question_id") == "q2").then(pl.lit("incorrect")).otherwise("grade")
    pl.read_parquet(path).with_columns(grade=grade).write_parquet(path)
    with pytest.raises(UserError, match=r"grades\.parquet: q2: grade is 'incorrect'"):
        verify_report.main(input, SimpleNamespace(), made.params)


def test_the_judge_sees_question_references_and_answer():
    """The prompt names all three, and takes none of them for a template."""
    from slmrag.scoring.judge import questions_for_judge

    said = {"question_id": ["q"], "answer": ["{{ 7 * 7 }} <b>"], "finish_reason": ["stop"]}
    answers = pl.DataFrame(said)
    rows = {"question_id": ["q"], "question": ["Who?"], "answers": [["Ada", "A. L."]]}
    asked = questions_for_judge(answers, pl.DataFrame(rows), TEMPLATE.read_text())
    text = asked["question"][0]
    assert "Question: Who?" in text and "Reference: Ada | A. L." in text
    assert "Answer: {{ 7 * 7 }} <b>" in text
