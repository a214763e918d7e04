"""Columns of Parquet and keys of JSONL: their types, nulls, lists, and the layouts of the hub."""

import json
from datetime import date, timedelta

import polars as pl
import pytest
from slmrag.errors import UserError

from tests.data.test_formats import prepare_passages, prepare_questions


def parquet(folder, rows, **schema):
    """Return a Parquet file of rows as bytes."""
    pl.DataFrame(rows, schema_overrides=schema or None).write_parquet(folder / "made")
    return (folder / "made").read_bytes()


def data(folder, format, rows):
    """Return rows as a file of a format."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    return parquet(folder, rows) if format == "parquet" else lines


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_nulls_of_passages(tmp_path, format):
    """A null title is empty; a null text is one sentence with the file and the row."""
    rows = [{"id": 1, "title": None, "text": "a"}, {"id": 2, "title": "t", "text": "b"}]
    made = data(tmp_path, format, rows)
    found, audit = prepare_passages(tmp_path, "p.data", made, {"format": format})
    assert [row["title"] for row in found] == ["", "t"] and audit["without_title"] == 1
    for key in ("text", "id"):
        made = data(tmp_path, format, [rows[0], rows[1] | {key: None}])
        with pytest.raises(UserError, match=rf"p.data, (row|line) 2: '{key}' is null; fill it in"):
            prepare_passages(tmp_path, "p.data", made, {"format": format})


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_a_text_in_pieces(tmp_path, format):
    """A text that is a list of sentences is one text, with a space between them."""
    rows = [{"id": 1, "text": ["Paris is it.", " It is large."]}, {"id": 2, "text": ["Oslo."]}]
    found, _ = prepare_passages(tmp_path, "p", data(tmp_path, format, rows), {"format": format})
    assert [row["text"] for row in found] == ["Paris is it. It is large.", "Oslo."]


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_a_passage_inside_an_object(tmp_path, format):
    """A dotted name is what stands inside; a name with a dot of its own is itself."""
    rows = [{"k.id": 7, "doc": {"body": "a", "head": {"name": "t"}}}]
    columns = {"id": "k.id", "text": "doc.body", "title": "doc.head.name"}
    entry = {"format": format, "columns": columns}
    found, _ = prepare_passages(tmp_path, "p", data(tmp_path, format, rows), entry)
    assert found == [{"id": "7", "title": "t", "text": "a"}]
    wrong = entry | {"columns": columns | {"text": "doc.boddy"}}
    with pytest.raises(UserError, match=r"'doc\.boddy'; did you mean 'doc\.body'"):
        prepare_passages(tmp_path, "p", data(tmp_path, format, rows), wrong)


KINDS = [
    ({"id": "1", "text": 3}, "the column 'text' is Int64, but text is text; map another column"),
    ({"id": "1", "text": {"a": "b", "c": "d"}}, "map a part of it: text.a or text.c"),
    ({"id": "1", "text": [[1]]}, r"'text' is List\(List\(Int64\)\), but text is text"),
    ({"id": ["1"], "text": "a"}, r"the column 'id' is List\(String\), but id is text"),
    ({"id": timedelta(1), "text": "a"}, "the column 'id' is Duration"),
    ({"id": True, "text": "a"}, "the column 'id' is Boolean, but id is text"),
    ({"id": "1", "text": "a", "title": ["b"]}, "the column 'title' is List"),
    ({"id": "1", "text": b"\xff"}, "a column is not in UTF-8"),
    ({"id": "1", "texts": "a"}, "no column 'text'; did you mean 'texts'"),
]


@pytest.mark.parametrize("row, sentence", KINDS)
def test_columns_of_another_type(tmp_path, row, sentence):
    """A column that cannot be what it is read as is named once, with its type."""
    with pytest.raises(UserError, match=sentence) as caught:
        prepare_passages(tmp_path, "p.parquet", parquet(tmp_path, [row]), {"format": "parquet"})
    assert "p.parquet: " in str(caught.value) and "\n" not in str(caught.value)


def test_bytes_that_are_text_in_questions(tmp_path):
    """Text without its mark is text in questions, too, inside lists and objects as elsewhere."""
    rows = [{"question_id": b"a", "question": b"who?", "answers": [{"text": [b"x", b"\xc3\xa9"]}]}]
    entry = {"format": "parquet", "columns": {"answers": "answers.text"}}
    ((row,), _) = prepare_questions(tmp_path, "q", parquet(tmp_path, rows), entry)
    assert (row["question_id"], row["question"], row["answers"]) == ("a", "who?", ["x", "\u00e9"])
    rows = [{"question": "who?", "answers": b"\xff"}]
    with pytest.raises(UserError, match="q: a column is not in UTF-8; convert it"):
        prepare_questions(tmp_path, "q", parquet(tmp_path, rows), {"format": "parquet"})


def test_short_floats_inside_of_objects(tmp_path):
    """A short float has its own digits wherever it stands."""
    kind = pl.Struct({"value": pl.List(pl.Float32)})
    rows = {"question": ["how much?"], "answers": [{"value": [0.1, 7.0]}]}
    entry = {"format": "parquet", "columns": {"answers": "answers.value"}}
    ((row,), _) = prepare_questions(tmp_path, "q", parquet(tmp_path, rows, answers=kind), entry)
    assert row["answers"] == ["0.1", "7"]


def test_answers_that_are_dates(tmp_path):
    """How a date is written is the user's to say."""
    made = parquet(tmp_path, {"question": ["when?"], "answers": [date(1969, 7, 20)]})
    with pytest.raises(UserError, match=r"'answers' is not a list .* a number; write it as text"):
        prepare_questions(tmp_path, "q", made, {"format": "parquet"})


def test_a_column_of_nulls(tmp_path):
    """Titles of which none is known are empty, as nulls among others are."""
    made = parquet(tmp_path, {"id": [1], "title": [None], "text": ["a"]})
    ((row,), _) = prepare_passages(tmp_path, "p", made, {"format": "parquet"})
    assert row["title"] == ""


def test_columns_of_questions_are_looked_for_in_the_whole_file(tmp_path):
    """A column that is missing is named with the one that may be meant."""
    made = parquet(tmp_path, [{"question": "who?", "answer": "x"}])
    with pytest.raises(UserError, match="q: no column 'answers'; did you mean 'answer'"):
        prepare_questions(tmp_path, "q", made, {"format": "parquet"})


def test_types_that_hold_text(tmp_path):
    """Categories, and text without its mark, as older writers leave it, are text."""
    rows = {"id": ["a", "b"], "text": [b"x", "\u00e9".encode()], "title": ["t", "t"]}
    made = parquet(tmp_path, rows, title=pl.Categorical)
    found, _ = prepare_passages(tmp_path, "p", made, {"format": "parquet"})
    assert [(row["title"], row["text"]) for row in found] == [("t", "x"), ("t", "\u00e9")]


SQUAD = [
    {"id": "5", "title": "F", "context": "Paris is it.", "question": "Which?"}
    | {"answers": {"text": ["Paris", "Paris"], "answer_start": [0, 0]}},
    {"id": "6", "title": "F", "context": "Paris is it.", "question": "Which not?"}
    | {"answers": {"text": [], "answer_start": []}},
]
LAYOUTS = {
    "squad": (SQUAD, {"question_id": "id", "answers": "answers.text"}, ["Paris"]),
    "trivia_qa": (
        [
            {"question": "Who?", "question_id": "tc_1", "search_results": {"rank": [1]}}
            | {"answer": {"value": "Lewis", "aliases": ["Lewis", "S. Lewis"], "type": "x"}}
        ],
        {"answers": "answer.aliases"},
        ["Lewis", "S. Lewis"],
    ),
    "nq_open": (
        [{"question": "who?", "answer": ["x", "y"]}],
        {"answers": "answer"},
        ["x", "y"],
    ),
    "hotpot_qa": (
        [
            {"id": "5a", "question": "Who?", "answer": "yes", "type": "bridge", "level": "hard"}
            | {"supporting_facts": {"title": ["A"], "sent_id": [0]}}
            | {"context": {"title": ["A"], "sentences": [["a.", " b."]]}}
        ],
        {"question_id": "id", "answers": "answer"},
        ["yes"],
    ),
    "web_questions": (
        [{"url": "u", "question": "who?", "answers": ["x", "y"]}],
        {},
        ["x", "y"],
    ),
    "musique": (
        [
            {"id": "2hop__1_2", "question": "Who?", "answer": "x", "answer_aliases": ["z"]}
            | {"paragraphs": [{"idx": 0, "title": "A", "paragraph_text": "a"}]}
            | {"answerable": True}
        ],
        {"question_id": "id", "answers": "answer"},
        ["x"],
    ),
    "ms_marco": (
        [
            {"query_id": 9, "query": "who", "answers": ["x"], "wellFormedAnswers": ["X is it."]}
            | {"passages": {"is_selected": [1], "passage_text": ["x"], "url": ["u"]}},
        ],
        {"question_id": "query_id", "question": "query"},
        ["x"],
    ),
    "mkqa": (
        [
            {"example_id": 9, "queries": {"de": "wer", "en": "who"}}
            | {"answers": {"de": [{"type": "entity", "text": "x", "entity": "Q1"}]}},
            {"example_id": 10, "queries": {"de": "wer nicht", "en": "who not"}}
            | {"answers": {"de": [{"type": "unanswerable", "text": None, "entity": None}]}},
        ],
        {"question_id": "example_id", "question": "queries.de", "answers": "answers.de.text"},
        ["x"],
    ),
    "asqa": (
        [
            {"sample_id": "-1", "ambiguous_question": "Who?", "annotations": [{"long_answer": "l"}]}
            | {"qa_pairs": [{"short_answers": ["x", "y"]}, {"short_answers": ["z"]}]},
        ],
        {"question_id": "sample_id", "question": "ambiguous_question"}
        | {"answers": "qa_pairs.short_answers"},
        ["x", "y", "z"],
    ),
    "list_of_objects": (
        [{"question": "Who?", "answers": [{"text": "x"}, {"text": "y"}]}],
        {"answers": "answers.text"},
        ["x", "y"],
    ),
}


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_the_hub(tmp_path, name, format):
    """The hub's rows of the common sets need a mapping of a few words."""
    rows, columns, answers = LAYOUTS[name]
    entry = {"format": format, "columns": columns, "unanswerable": "drop"}
    found, audit = prepare_questions(tmp_path, "q", data(tmp_path, format, rows), entry)
    assert [row["answers"] for row in found] == [answers]
    assert audit.get("unanswerable", 0) == len(rows) - 1
    id = rows[0].get(columns.get("question_id", "question_id"), "0")
    assert found[0]["question_id"] == str(id)


def test_popqa(tmp_path):
    """PopQA's answers are texts in JSON: its TSV is read as csv."""
    line = '1\tGeorge\t"What is his job?"\t"[""politician"", ""poli\\u0074ico""]"\n'
    text = "id\tsubj\tquestion\tpossible_answers\n" + line
    columns = {"question_id": "id", "answers": "possible_answers"}
    ((row,), _) = prepare_questions(
        tmp_path, "test.tsv", text, {"format": "csv", "columns": columns}
    )
    assert row["answers"] == ["politician", "politico"]


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
@pytest.mark.parametrize("none", [None, {"text": None}, {"text": []}], ids=repr)
def test_null_inside_and_outside(tmp_path, none, format):
    """Answers inside an object that is null are null: the question has none."""
    rows = [SQUAD[0], SQUAD[1] | {"answers": none}]
    columns = {"question_id": "id", "answers": "answers.text"}
    entry = {"format": format, "columns": columns, "unanswerable": "drop"}
    found, audit = prepare_questions(tmp_path, "q", data(tmp_path, format, rows), entry)
    assert [row["question_id"] for row in found] == ["5"] and audit["unanswerable"] == 1


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_an_object_that_is_not_mapped(tmp_path, format):
    """Where the answers are an object the sentence says what to write."""
    entry = {"format": format, "columns": {"question_id": "id"}}
    with pytest.raises(UserError, match=r"columns: answers\.text or answers\.answer_start"):
        prepare_questions(tmp_path, "q", data(tmp_path, format, SQUAD), entry)


def test_questions_need_no_other_columns(tmp_path):
    """A column that is not asked for is not read, and a column may be called line."""
    rows = [{"line": "who?", "answers": "x", "blob": b"\xff"}]
    entry = {"format": "parquet", "columns": {"question": "line"}}
    ((row,), _) = prepare_questions(tmp_path, "q", parquet(tmp_path, rows), entry)
    assert row["question"] == "who?"
