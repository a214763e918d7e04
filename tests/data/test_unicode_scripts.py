"""What an audit says of scripts, and when it warns."""

import logging
from collections import Counter
from types import SimpleNamespace

import polars as pl
import prepare_corpus
import prepare_dataset
import pytest
from slmrag.data.question_audit import audit_questions
from slmrag.data.squad_misfit import misfit_sentence
from slmrag.data.unicode_scripts import count_signs, script_misfits, script_shares
from slmrag.files import read_json


def test_shares_of_scripts():
    """Letters count by the name of their script; digits and signs are of none."""
    assert script_shares(count_signs(["ab 12", "東京は"])) == {
        "Latin": 0.4,
        "Han": 0.4,
        "Kana": 0.2,
    }
    assert script_shares(count_signs(["ＡＢｶ", "한글"])) == {
        "Latin": 0.4,
        "Hangul": 0.4,
        "Kana": 0.2,
    }
    assert script_shares(Counter()) == {} == script_shares(count_signs(["12!"]))


@pytest.mark.parametrize(
    ("scripts", "language", "warns"),
    [
        ({"Latin": 0.9, "Han": 0.1}, "zh", True),
        ({"Kana": 0.4, "Han": 0.4}, "ja", False),
        ({"Latin": 1.0}, "sr-Latn", False),
        ({"Latin": 1.0}, "yi", True),
        ({"Latin": 1.0}, "eu", False),
        ({"Latin": 1.0}, None, False),
        ({}, "zh", False),
    ],
)
def test_a_language_in_another_script(scripts, language, warns):
    """A language that most letters do not belong to is told, unless its code names a script."""
    assert bool([*script_misfits(scripts, language, "the passages")]) is warns


def audit(*answers):
    """Return the audit of one question an answer."""
    rows = [{"question": "q", "answers": [one], "gold": []} for one in answers]
    return audit_questions(rows)


def test_references_that_the_squad_metrics_misread():
    """An en dash, a curly apostrophe, NFD and Chinese are counted; plain accents are not."""
    found = audit("1914–1918", "O’Brien", "Beyonce\u0301", "日元", "Beyonc\u00e9", "a-b")
    assert found["references_with_unicode_punctuation"] == 2
    assert (found["references_not_in_nfc"], found["references_without_spaces"]) == (1, 1)
    assert found["questions_unlike_squad"] == 4
    assert "4 of 6" in misfit_sentence(found) and "token_recall" in misfit_sentence(found)
    assert misfit_sentence(audit("Paris")) is None
    assert misfit_sentence(audit("a–b", *["Paris"] * 100)) is None


def said(caplog):
    """Return what was warned of."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_the_jobs_warn(tmp_path, caplog):
    """A Chinese corpus in Latin letters is told, and so are answers that SQuAD misreads."""
    for name in "pq":
        (tmp_path / name).mkdir()
    (tmp_path / "p/p.jsonl").write_text('{"id": "1", "title": "", "text": "Paris"}\n')
    (tmp_path / "q/q.jsonl").write_text('{"question": "谁？", "answers": ["日元"]}\n')
    out = SimpleNamespace(
        passages=tmp_path / "p.parquet", questions=tmp_path / "q.parquet", audit=tmp_path / "a.json"
    )
    entry = {"format": "jsonl", "language": "zh"}
    files = {name: [str(tmp_path / name)] for name in "pq"}
    prepare_corpus.main(SimpleNamespace(raw=files["p"]), out, SimpleNamespace(entry=entry))
    assert read_json(out.audit)["scripts"] == {"Latin": 1.0}
    prepare_dataset.main(
        SimpleNamespace(raw=files["q"], gold_raw=[]), out, SimpleNamespace(entry=entry)
    )
    assert read_json(out.audit)["scripts"]["answers"] == {"Han": 1.0}
    first, second = said(caplog)
    assert "the passages are Latin 100%" in first and "unicode" in second
    assert pl.read_parquet(out.questions).height == 1


def test_the_code_of_a_country_for_that_of_a_language():
    """kr is Kanuri, in Latin letters, which answers in Korean are told not to be."""
    (sentence,) = script_misfits({"Hangul": 1.0}, "kr", "the answers")
    assert "language: kr is written in Latin, but the answers are Hangul" in sentence
    assert not [*script_misfits({"Hangul": 1.0}, "ko", "the answers")]
