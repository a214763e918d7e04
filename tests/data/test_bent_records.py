"""Whatever a record is bent to, a reader yields it or names file and line in one sentence."""

import copy
import json
import re
from pathlib import Path

import polars as pl
import pytest
from slmrag.data.formats import reader
from slmrag.data.questions import as_row, checked_questions
from slmrag.data.schemas import QUESTIONS
from slmrag.errors import UserError

DATA = Path(__file__).parent / "files"
CONTEXT = {"title": "D", "text": "a d", "score": 1000, "passage_id": "1"}
PASSAGE = {"id": "1", "title": "t", "text": "x"}


def first(name):
    """Return the first record of a fixture."""
    return json.loads((DATA / name).read_text().splitlines()[0])


SQUAD = json.loads((DATA / "squad-dev-v2.0.json").read_text())
RECORDS = {
    ("dpr", "questions"): [{"question": "who", "answers": ["x"], "positive_ctxs": [CONTEXT]}],
    ("nq_open", "questions"): {"question": "q", "answer": ["a"]},
    ("kilt", "questions"): first("nq-dev-kilt.jsonl"),
    ("squad", "questions"): SQUAD,
    ("nq_simplified", "questions"): first("nq-simplified.jsonl"),
    ("nq_simplified", "questions", "original"): first("nq-original.jsonl"),
    ("jsonl", "questions"): {"question": "q", "answers": ["a"], "gold": [PASSAGE]},
    ("kilt", "passages"): first("kilt_knowledgesource.json"),
    ("squad", "passages"): SQUAD,
    ("beir", "passages"): {"_id": "1", "title": "t", "text": "x", "metadata": {}},
    ("jsonl", "passages"): PASSAGE,
}
WRONG = (None, 1, True, "x", [], ["x"], [None], {}, [{}], ...)
"""Values to put in the place of any other; the last one stands for leaving the key out."""


def places(value, at=()):
    """Yield the way to every value inside ``value``, the first two of each list."""
    yield at
    inside = enumerate(value[:2]) if isinstance(value, list) else ()
    for key, one in value.items() if isinstance(value, dict) else inside:
        yield from places(one, (*at, key))


def bent(value, at, wrong):
    """Return a copy of ``value`` with another value at one place."""
    if not at:
        return None if wrong is ... else wrong
    whole = inside = copy.deepcopy(value)
    for key in at[:-1]:
        inside = inside[key]
    if wrong is ...:
        del inside[at[-1]]
    else:
        inside[at[-1]] = wrong
    return whole


def read(path, format, kind):
    """Read a file as the jobs do."""
    found = reader(format, kind)(path, {})
    if kind == "passages":
        return [table.height for table in found]
    told = checked_questions([path], lambda *_: found, {"format": format}, {})
    rows = [as_row(question) for _, question in told]
    return pl.DataFrame(rows, schema=QUESTIONS)


@pytest.mark.parametrize("case", RECORDS, ids="-".join)
def test_a_bent_record_is_read_or_named(tmp_path, case):
    """A value of another kind, at any place of a record, never ends in a traceback."""
    path, record = tmp_path / "x.json", RECORDS[case]
    for at in places(record):
        for wrong in WRONG:
            path.write_text(json.dumps(bent(record, at, wrong)) + "\n")
            try:
                read(path, *case[:2])
            except UserError as error:
                assert re.match(rf"{path}(, line 1)?: [^\n]+$", str(error)), (at, wrong)


def pretty(**paragraph):
    """Return SQuAD's JSON over many lines, the second article's paragraph as given."""
    good = {"context": "c", "qas": []}
    articles = [{"title": "A", "paragraphs": [good]}, {"title": "B", "paragraphs": [paragraph]}]
    return json.dumps({"version": "v2.0", "data": articles}, indent=1)


BAD_SQUAD = [
    (pretty(qas=[]), "line 13: no 'context'"),
    (pretty(context="c", qas=[{"question": "q"}]), "line 13: no 'answers'"),
    (pretty(context="c", qas=[])[:-9], "never closes"),
    (json.dumps({"version": "2", "date": []}), "no 'data'"),
    ('{"data": [], "x": ', "never closes"),
    ('{"data": {"x": 1}}', "'data' is not a list"),
    ('{"data": [\n{"title": "a"\n"b": 1}]}', "line 3: not JSON"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD_SQUAD)
def test_bad_squad(tmp_path, text, sentence):
    """SQuAD is cut into articles as it comes in, so a mistake is named with its article's line."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UserError, match=re.escape(sentence)):
        read(tmp_path / "x.json", "squad", "questions")


def test_an_array_that_breaks_off_between_two_objects(tmp_path):
    """A missing comma and a missing end are told apart."""
    good = json.dumps({"question": "q", "answers": ["x"]})
    for text, sentence in ((', {"a": 1', "never closes"), (' {"a": 1}]', "no comma")):
        (tmp_path / "x.json").write_text(f"[{good}{text}")
        with pytest.raises(UserError, match=sentence):
            read(tmp_path / "x.json", "dpr", "questions")


ASKED = {"question": "is it", "answers": ["x"]}
TRUE = [
    ("dpr", [{**ASKED, "positive_ctxs": []}], 1),
    ("dpr", [{**ASKED, "positive_ctxs": [{"title": None, "text": "t", "psg_id": 7}]}], 1),
    ("kilt", {"id": 1, "input": "q", "output": [{"answer": "a"}, {"provenance": [{}]}]}, 1),
    ("kilt", {"id": 1, "input": "q", "output": [{"answer": "a", "provenance": None}]}, 1),
    ("squad", {"data": [{"paragraphs": [{"context": "c", "qas": []}]}], "version": 1.1}, 0),
]


@pytest.mark.parametrize(("format", "record", "count"), TRUE)
def test_what_true_files_have(tmp_path, format, record, count):
    """Empty positives, page-wide provenance, articles without a title: what true files have."""
    (tmp_path / "x.json").write_text(json.dumps(record))
    assert len(list(reader(format, "questions")(tmp_path / "x.json", {}))) == count


def test_yes_and_no_are_no_short_answers(tmp_path):
    """A question of NQ that is answered by yes or no alone has no answer, as in NQ-open."""
    record = first("nq-simplified.jsonl")
    note = record["annotations"][0] | {"short_answers": [], "yes_no_answer": "YES"}
    (tmp_path / "x.jsonl").write_text(json.dumps(record | {"annotations": [note]}))
    found = list(reader("nq_simplified", "questions")(tmp_path / "x.jsonl", {}))
    assert [question.answers for question in found] == [[]]
