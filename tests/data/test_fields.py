"""Values of records: numbers as they were meant, none for what is missing, texts as they are."""

import json
from decimal import Decimal

import polars as pl
import pytest
from pydantic import ValidationError
from slmrag.config.data import CorpusEntry, DatasetEntry
from slmrag.data.formats import reader
from slmrag.data.reading.fields import as_text
from slmrag.errors import UserError

from tests.data.test_formats import prepare_questions


@pytest.mark.parametrize(
    "value, text",
    [
        (1969.0, "1969"),
        (1e21, "1000000000000000000000"),
        (-0.0, "0"),
        (-3.0, "-3"),
        (3.14, "3.14"),
        (1e-07, "1e-07"),
        (12, "12"),
        (Decimal("12.00"), "12"),
        (Decimal("12.50"), "12.5"),
        ("1969.0", "1969.0"),
        (" nan ", " nan "),
        (None, ""),
        (float("nan"), ""),
        (float("-inf"), ""),
        (Decimal("NaN"), ""),
    ],
)
def test_numbers_as_text(value, text):
    """A whole number has no point, a fraction its fewest digits; what is no number is nothing."""
    assert as_text(value) == text


def questions(folder, records, format="jsonl", columns=None):
    """Return the questions of records that are written as JSONL, or as Parquet from a table."""
    path = folder / f"x.{format}"
    if format == "parquet":
        records.write_parquet(path)
    else:
        path.write_text(records)
    return list(reader(format, "questions")(path, columns or {}))


def test_floats_of_parquet(tmp_path):
    """Years that pandas made floats are years, short floats keep their digits, ids are whole."""
    long = pl.DataFrame(
        {"question_id": [7.0, 8.0], "question": ["a", "b"], "answers": [1969.0, 3.14]}
    )
    found = questions(tmp_path, long, "parquet")
    assert [(one.question_id, one.answers) for one in found] == [("7", ["1969"]), ("8", ["3.14"])]
    short = long.with_columns(
        pl.col("answers").cast(pl.Float32), pl.col("question_id").cast(pl.Int8)
    )
    assert [one.answers for one in questions(tmp_path, short, "parquet")] == [["1969"], ["3.14"]]
    lists = short.with_columns(pl.concat_list(pl.col("answers"), pl.col("answers")))
    assert questions(tmp_path, lists, "parquet")[1].answers == ["3.14", "3.14"]


def test_float_ids_of_passages(tmp_path):
    """An id that is a float in Parquet is the id that JSONL and CSV have for it."""
    pl.DataFrame({"id": [1.0, 2.0], "text": ["a", "b"]}).write_parquet(tmp_path / "x.parquet")
    (tmp_path / "x.jsonl").write_text('{"id": 1.0, "text": "a"}\n{"id": 2, "text": "b"}\n')
    for format in ("parquet", "jsonl"):
        (table,) = reader(format, "passages")(tmp_path / f"x.{format}", {})
        assert table["id"].to_list() == ["1", "2"]


@pytest.mark.parametrize("none", ["null", "NaN", "Infinity"])
def test_a_missing_value_is_none(tmp_path, none):
    """Null, and what pandas writes for it, is no answer, no id and no title, and never a word."""
    line = f'{{"question_id": {none}, "question": "who?", "answers": {none}}}'
    (found,) = questions(tmp_path, line)
    assert (found.question_id, found.answers) == ("", [])
    (tmp_path / "p.jsonl").write_text(f'{{"id": "1", "title": {none}, "text": "a"}}')
    (table,) = reader("jsonl", "passages")(tmp_path / "p.jsonl", {})
    assert table["title"].to_list() == [""]


@pytest.mark.parametrize(
    "line, sentence",
    [
        ('{"question": null, "answers": "b"}', "line 1: 'question' is null; fill it in or remove"),
        ('{"question": NaN, "answers": "b"}', "line 1: 'question' is nan; fill it in or remove"),
        ('{"question": "a", "answers": ["x", NaN]}', "line 1: the answer nan is not text"),
        ('{"question": "a", "answers": [true]}', "line 1: the answer True is not text"),
        ('{"question": "a", "answers": false}', "line 1: 'answers' is not a list or text or a num"),
        ('{"question": "a", "answer": null}', "line 1: no 'answers'; did you mean 'answer'"),
        ('{"question": "a", "answers": "b", "question_id": true}', "'question_id' is not text or"),
    ],
)
def test_values_that_are_refused(tmp_path, line, sentence):
    """A null where something must be, and a truth value where a text must be, is named."""
    with pytest.raises(UserError, match=sentence):
        questions(tmp_path, line)


CONTEXT = {"text": "t", "passage_id": "p", "title": "T"}
ASKED = {"question": "who?", "answers": ["x"]}
SQUAD = {"id": "1", "question": "who?", "answers": [{"text": "x"}]}
KILT = {"id": "1", "input": "who?", "output": [{"answer": "x"}]}
PAGE = {"wikipedia_id": "7", "wikipedia_title": "T", "text": ["a"]}
NOTE = {"short_answers": [{"start_token": 0, "end_token": 1}], "long_answer": {}}
NQ = {"question_text": "who?", "annotations": [NOTE], "document_text": "x y", "example_id": "1"}


def of_squad(question=SQUAD, title="T"):
    """Return SQuAD's JSON of one question."""
    return {"data": [{"title": title, "paragraphs": [{"context": "c", "qas": [question]}]}]}


def span(page):
    """Return an answer of KILT with a provenance in a page."""
    return {"answer": "x", "provenance": [{"wikipedia_id": page, "start_paragraph_id": 0}]}


NAMES = {
    "dpr id": lambda v: ("dpr", ASKED | {"id": v}),
    "dpr passage": lambda v: ("dpr", ASKED | {"positive_ctxs": [CONTEXT | {"passage_id": v}]}),
    "dpr title": lambda v: ("dpr", ASKED | {"positive_ctxs": [CONTEXT | {"title": v}]}),
    "kilt id": lambda v: ("kilt", KILT | {"id": v}),
    "kilt answer": lambda v: ("kilt", KILT | {"output": [{"answer": v}]}),
    "kilt provenance": lambda v: ("kilt", KILT | {"output": [span(v)]}),
    "squad id": lambda v: ("squad", of_squad(SQUAD | {"id": v})),
    "squad title": lambda v: ("squad", of_squad(title=v)),
    "squad answer": lambda v: ("squad", of_squad(SQUAD | {"answers": [{"text": v}]})),
    "nq id": lambda v: ("nq_simplified", NQ | {"example_id": v}),
    "nq title": lambda v: ("nq_simplified", NQ | {"document_title": v}),
    "nq_open answer": lambda v: ("nq_open", {"question": "who?", "answer": [v]}),
    "gold": lambda v: ("jsonl", ASKED | {"gold": [v, "p"]}),
    "gold id": lambda v: ("jsonl", ASKED | {"gold": [CONTEXT | {"id": v}]}),
}
PLACES = [(place, wrong) for place in NAMES for wrong in (True, False, [1], {"text": [1]})]


@pytest.mark.parametrize("place, wrong", PLACES)
def test_names_and_answers_are_texts_or_numbers(tmp_path, place, wrong):
    """A truth value, a list or an object is no name and no answer in any format."""
    format, record = NAMES[place](wrong)
    (tmp_path / "x").write_text(json.dumps([record] if format == "dpr" else record))
    with pytest.raises(UserError, match=r"line 1: .* is not text"):
        list(reader(format, "questions")(tmp_path / "x", {}))
    format, record = NAMES[place](7.0)
    (tmp_path / "x").write_text(json.dumps([record] if format == "dpr" else record))
    (found,) = reader(format, "questions")(tmp_path / "x", {})
    assert "7.0" not in str(found)


def test_pages_have_ids(tmp_path):
    """A page of KILT's source without an id, or with one that is none, is named."""
    for wrong, sentence in ((None, "a page without a wikipedia_id"), (True, "is not text")):
        (tmp_path / "x").write_text(json.dumps(PAGE | {"wikipedia_id": wrong}))
        with pytest.raises(UserError, match=f"line 1: .*{sentence}"):
            list(reader("kilt", "passages")(tmp_path / "x", {}))


def test_tokens_are_texts(tmp_path):
    """A word of NQ's document that is no text is named, and not written out."""
    record = NQ | {"document_tokens": [{"token": "x"}, {"token": None}]}
    (tmp_path / "x").write_text(json.dumps(record))
    with pytest.raises(UserError, match="line 1: a token is no text"):
        list(reader("nq_simplified", "questions")(tmp_path / "x", {}))


def test_what_is_impossible_is_said_by_truth_values(tmp_path):
    """The text "false" does not leave a question out."""
    (tmp_path / "x").write_text(json.dumps(of_squad(SQUAD | {"is_impossible": "false"})))
    with pytest.raises(UserError, match="line 1: 'is_impossible' is neither true nor false"):
        list(reader("squad", "questions")(tmp_path / "x", {}))


BROKEN = [
    ('{"question": "a", "answers": "b",\n "x": 1}', "line 1: not JSON .the line ends in the mid"),
    ('{"question": "a", "answers": "b', "line 1: not JSON .the line ends in the middle of its"),
    ('{"question": "a", "answers": "b"}{}', "goes on behind its object.; write one object a line"),
    ('{"question": "a", "answers": "b"},', "goes on behind its object.; write one object a line"),
    ('{"question": "a", "answers": b}', r"line 1: not JSON \(Expecting value\); correct it"),
    ('{"question": "a", "question": "c"}', "the key 'question' occurs twice in one object"),
    ('[{"question": "a",\n "answers": {"x": 1, "x": 2}}]', "the key 'x' occurs twice in one"),
]


@pytest.mark.parametrize("text, sentence", BROKEN)
def test_what_is_no_json_line(tmp_path, text, sentence):
    """Objects over several lines, several in one, and keys with two values are told apart."""
    with pytest.raises(UserError, match=sentence):
        questions(tmp_path, text)


def test_a_key_that_repeats_its_value(tmp_path):
    """Nothing is lost where a key stands twice with one value."""
    (found,) = questions(tmp_path, '{"question": "a", "answers": "b", "question": "a"}')
    assert (found.question, found.answers) == ("a", ["b"])


@pytest.mark.parametrize("none", [[None], [None, float("nan")]])
def test_a_list_of_nulls_has_no_answer(tmp_path, none):
    """Null answers are none in a list as they are alone; one beside an answer is refused."""
    (found,) = questions(tmp_path, json.dumps({"question": "a", "answers": none}))
    assert found.answers == []
    with pytest.raises(UserError, match="the answer None is not text"):
        questions(tmp_path, json.dumps({"question": "a", "answers": [*none, "x"]}))


LISTS = ['["b", "c"]', "['b', 'c']", " [ ]", "['b' 'c']"]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
@pytest.mark.parametrize("text", LISTS)
def test_a_text_stays_a_text(tmp_path, caplog, format, text):
    """Where there are lists, a text that looks like one is a text, and this is told and counted."""
    pl.DataFrame([{"question": "a", "answers": text}]).write_parquet(tmp_path / "made")
    made = json.dumps({"question": "a", "answers": text})
    made = (tmp_path / "made").read_bytes() if format == "parquet" else made
    entry = {"format": format, "wordless_answers": "keep"}
    ((row,), counts) = prepare_questions(tmp_path, "q", made, entry)
    assert row["answers"] == [text.strip()] and counts["answers_like_lists"] == 1
    assert "an answer of 1 questions is a text that looks like a list" in caplog.text


@pytest.mark.parametrize("last, told", [("3.5", True), ("three", False)])
def test_floats_in_csv_are_told(tmp_path, caplog, last, told):
    """CSV has no numbers: where all answers are floats, as pandas writes years, this is told."""
    data = f"question,answers\na,1969.0\nb,{last}\n"
    assert [one.answers for one in questions(tmp_path, data, "csv")] == [["1969.0"], [last]]
    assert ("some like 1969.0, as pandas writes" in caplog.text) is told


@pytest.mark.parametrize("none", ["nan", "None", "NULL"])
def test_words_for_nothing(tmp_path, caplog, none):
    """CSV has no null: a word for it is a word, which is told with the key that says otherwise."""
    made = f"question,answers\na,{none}\nb,nancy\n"
    rows, counts = prepare_questions(tmp_path, "q", made, {"format": "csv"})
    assert (len(rows), counts["answers_like_nulls"]) == (2, 1)
    assert f"reads {none}, and is taken literally; if it means that there is" in caplog.text
    entry = {"format": "csv", "no_answer": none, "unanswerable": "drop"}
    ((row,), counts) = prepare_questions(tmp_path, "q", made, entry)
    assert row["answers"] == ["nancy"] and "answers_like_nulls" not in counts


def test_brackets_are_no_list(tmp_path, caplog):
    """An answer in brackets is a text like another."""
    made = '{"question": "a", "answers": "[sic]"}'
    ((row,), counts) = prepare_questions(tmp_path, "q", made, {"format": "jsonl"})
    assert row["answers"] == ["[sic]"] and "answers_like_lists" not in counts
    assert not caplog.text


@pytest.mark.parametrize("start", ["", "\n \n", "\ufeff"])
@pytest.mark.parametrize("format, answer", [("jsonl", "answers"), ("nq_open", "answer")])
def test_an_array_where_lines_are_asked(tmp_path, start, format, answer):
    """A JSON array of records is read as their lines are."""
    items = [{"question": name, answer: ["b"]} for name in ("one", "two")]
    path = tmp_path / "dev.json"
    path.write_text(start + json.dumps(items, indent=1), encoding="utf-8")
    assert [one.question for one in reader(format, "questions")(path, {})] == ["one", "two"]


def test_what_is_no_array_of_records(tmp_path):
    """An array of something else, or one that never closes, is one line."""
    for data, sentence in (("[1]", "line 1: not a JSON object"), ("[", "never closes")):
        with pytest.raises(UserError, match=sentence):
            questions(tmp_path, data)


def test_passages_in_an_array(tmp_path):
    """A corpus in a JSON array is read, too."""
    (tmp_path / "c.json").write_text('[{"_id": "1",\n "text": "a"}, {"_id": "2", "text": "b"}]')
    (table,) = reader("beir", "passages")(tmp_path / "c.json", {})
    assert table["text"].to_list() == ["a", "b"]


@pytest.mark.parametrize("entry", [CorpusEntry, DatasetEntry])
@pytest.mark.parametrize(
    "format, keys, sentence",
    [
        ("jsonl", {"separator": ";"}, "separator is for csv; jsonl has its own"),
        ("parquet", {"quoting": "none"}, "quoting is for csv, dpr_tsv, dpr_qa; parquet has"),
        ("jsonl", {"header": ["id"]}, "header is for csv; jsonl has its own"),
        ("csv", {"separator": '"'}, "is no separator; write one ASCII sign, or tab"),
        ("csv", {"separator": ", "}, "is no separator"),
        ("csv", {"separator": "t"}, "is no separator"),
        ("csv", {"quoting": "all"}, "Input should be 'none'"),
        ("csv", {"header": ["id", "id"]}, "each column needs a name of its own"),
    ],
)
def test_marks_that_a_format_does_not_have(entry, format, keys, sentence):
    """A key that a format has no use for, or that says nothing, is refused by name."""
    with pytest.raises(ValidationError, match=sentence):
        entry(object="x", format=format, **keys)


@pytest.mark.parametrize("written, meant", [("tab", "\t"), ("\\t", "\t"), (";", ";"), (" ", " ")])
def test_separators(written, meant):
    """A tab may be written as a word."""
    entry = CorpusEntry(object="x", format="csv", separator=written)
    assert entry.build_params() == {"object": "x", "format": "csv", "separator": meant}
