"""One prompt that an endpoint refuses costs no other answer."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest
from slmrag.errors import UserError
from slmrag.files import digest
from slmrag.generation.journal import Journal

from tests.generation.conftest import job_spec, write_prompts
from tests.generation.refusing_endpoint import WORDS, endpoint

ENTRY = {"engine": "openai", "endpoint": "http://127.0.0.1:9/v1", "served_name": "m"}


def cells(folder: Path, **questions: list[str]) -> list[Path]:
    """Write a table of prompts a cell, of these questions."""
    made = []
    for name, asked in questions.items():
        path = write_prompts(folder / f"{name}.parquet", len(asked), passages=0)
        rows = pl.read_parquet(path).with_columns(question=pl.Series(asked))
        rows.write_parquet(path)
        made.append(path)
    return made


@pytest.fixture
def tables(tmp_path):
    """Two cells with one question that is refused in the first."""
    return cells(tmp_path, quiz=["who am I", "a spider", "who is"], trivia=["why", "what"])


def run(folder: Path, tables: list[Path], hardware: dict | None = None, **entry) -> dict:
    """Run the job; return what it counts."""
    spec = job_spec(folder, tables, None, **ENTRY, **entry)
    spec["params"]["hardware"] |= hardware or {}
    return generate_answers.main(*(SimpleNamespace(**part) for part in spec.values()))


def answers(folder: Path, cell: str) -> list[dict]:
    """Return the rows of a table of answers."""
    return pl.read_parquet(folder / "out" / f"{cell}.parquet").to_dicts()


def test_the_job_names_the_question_after_all_others_are_answered(tmp_path, tables, monkeypatch):
    """Unless told otherwise the job ends with question, cell, words and way on, and keeps four."""
    server = endpoint(monkeypatch)
    with pytest.raises(UserError) as error:
        run(tmp_path, tables)
    said = str(error.value)
    assert f"question 'q1' of quiz (400: {WORDS})" in said and "on_refused: record" in said
    assert "refuses 1 prompt of m" in said and "\n" not in said
    assert len(server.seen) == 5 and not (tmp_path / "out").exists()


def test_only_the_refused_prompt_is_asked_again(tmp_path, tables, monkeypatch):
    """A refusal may be gone in the next run; then all is as if there had been none."""
    endpoint(monkeypatch)
    with pytest.raises(UserError):
        run(tmp_path, tables)
    server = endpoint(monkeypatch, refuses=None)
    assert run(tmp_path, tables)["generated"] == len(server.seen) == 1
    row = answers(tmp_path, "quiz")[1]
    assert (row["answer"], row["finish_reason"], row["refusal"]) == ("a spider", "stop", None)
    assert run(tmp_path, tables, on_refused="record")["refused"] == 0


def test_a_refusal_can_be_recorded(tmp_path, tables, monkeypatch, caplog):
    """It is an empty answer with a reason, no tokens and no time, and is not asked again."""
    server = endpoint(monkeypatch)
    counts = run(tmp_path, tables, on_refused="record")
    assert (counts["refused"], counts["empty"], counts["generated"]) == (1, 0, 4)
    (warned,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert "question 'q1' of quiz" in warned and "recorded as no answer" in warned
    row = answers(tmp_path, "quiz")[1]
    assert (row["raw_answer"], row["answer"], row["finish_reason"]) == ("", "", "refused")
    assert row["refusal"] == f"400: {WORDS}"
    assert row["prompt_tokens"] is None and row["generated_tokens"] is None
    times = pl.read_parquet(tmp_path / "out/quiz.times.parquet").row(1, named=True)
    assert (times["work_seconds"], times["seconds"]) == (0.0, None)
    first = (tmp_path / "out/quiz.parquet").read_bytes()
    again = run(tmp_path, tables, on_refused="record")
    assert again["engine_starts"] == 0 and again["refused"] == 1 and len(server.seen) == 5
    assert (tmp_path / "out/quiz.parquet").read_bytes() == first


def test_the_key_changes_no_key(tmp_path, tables, monkeypatch):
    """What was answered under one way is taken under the other: one folder of the journal."""
    server = endpoint(monkeypatch)
    with pytest.raises(UserError):
        run(tmp_path, tables)
    assert run(tmp_path, tables, on_refused="record")["engine_starts"] == 0
    assert len(server.seen) == 5 and len(list((tmp_path / "journal").iterdir())) == 1
    with pytest.raises(UserError, match="question 'q1'"):
        run(tmp_path, tables, on_refused="fail")
    assert len(server.seen) == 6


def test_a_prompt_of_two_questions_is_refused_for_both(tmp_path, monkeypatch):
    """Each question that has the prompt is named, in its own cell."""
    server = endpoint(monkeypatch)
    tables = cells(tmp_path, quiz=["a spider", "a spider"], trivia=["a spider"])
    with pytest.raises(UserError) as error:
        run(tmp_path, tables)
    named = re.findall(r"question '(\w+)' of (\w+)", str(error.value))
    assert named == [("q0", "quiz"), ("q1", "quiz"), ("q0", "trivia")] and len(server.seen) == 1


def test_many_refusals_are_one_sentence(tmp_path, monkeypatch, caplog):
    """Five are named, the others are counted, and the log names all."""
    endpoint(monkeypatch)
    with (
        pytest.raises(UserError, match=r"9 prompts of m: .*; and 4 more, named in the log"),
        caplog.at_level("INFO"),
    ):
        run(tmp_path, cells(tmp_path, quiz=[f"spider {i}" for i in range(9)]))
    assert "quiz: question 'q8' was refused: 400" in caplog.text


def test_all_may_be_refused(tmp_path, monkeypatch):
    """A table of refusals alone is one, with an engine run that answered nothing."""
    endpoint(monkeypatch)
    counts = run(tmp_path, cells(tmp_path, quiz=["spider", "a spider"]), on_refused="record")
    assert counts["refused"] == 2 and counts["generated"] == 0
    metadata = pl.read_parquet_metadata(tmp_path / "out/quiz.times.parquet")
    (record,) = json.loads(metadata["engines"])
    assert (record["requests"], record["busy_seconds"]) == (0, 0.0)


def refused(prompt: str, words: str = WORDS) -> dict:
    """Return what the journal keeps of a refusal."""
    return {"digest": digest(prompt), "code": "400", "reason": words, "engine": "e1"}


def test_a_refusal_is_never_a_completion(tmp_path):
    """Neither get nor read nor claim knows it, in this job and the next; refusals does."""
    for _ in range(2):
        with Journal(tmp_path) as journal:
            journal.append_refusals([refused("a")])
            assert journal.get(digest("a")) is None and digest("a") not in journal
            assert journal.refusals([digest("b"), digest("a")]) == {digest("a"): refused("a")}
            assert journal.claim([digest("a")]) == [True]
            with pytest.raises(KeyError):
                journal.read([digest("a")])
            journal.note_run({"id": "e1"})
            assert list(journal.completions("e1")) == []


def test_an_answer_ends_a_refusal(tmp_path):
    """A completion counts before or after a refusal; of two refusals the last is told."""
    with Journal(tmp_path) as journal:
        journal.append_refusals([refused("a"), refused("b", "first"), refused("b", "last")])
        journal.append([{"digest": digest("a"), "text": "x", "engine": "e1"}])
        assert journal.refusals([digest("a")]) == {}
    with Journal(tmp_path) as journal:
        assert journal.refusals([digest("a")]) == {}
        assert journal.refusals([digest("b")])[digest("b")]["reason"] == "last"


def test_older_code_passes_over_a_refusal(tmp_path):
    """A refusal's line has neither a digest nor an engine of its own, by which lines are known."""
    with Journal(tmp_path) as journal:
        journal.append_refusals([refused("a")])
    (file,) = tmp_path.glob("*.jsonl")
    assert list(json.loads(file.read_text())) == ["refused"]


@pytest.mark.parametrize(
    "line", ['{"refused": 3}', '{"refused": {}}', '{"refused": {"digest": 1}}']
)
def test_a_refusal_of_another_shape_is_passed_over(tmp_path, line):
    """A torn or foreign line that begins as a refusal does is none."""
    (tmp_path / "1.jsonl").write_text(f"{line}\n")
    with Journal(tmp_path) as journal:
        assert journal.refusals([digest("a")]) == {}
