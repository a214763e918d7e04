"""Formats: true records in, questions and passages out, and one sentence for each mistake."""

import bz2
import gzip
import io
import json
import lzma
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import polars as pl
import prepare_corpus
import prepare_dataset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.config.data import CorpusFormat, DatasetFormat
from slmrag.data.formats import FORMATS, reader
from slmrag.data.reading.json_records import json_items
from slmrag.errors import UserError

PSGS = (
    "id\ttext\ttitle\n"
    '1\t"Aaron (; ""Ahärôn"") is a prophet, high priest."\tAaron\n'
    '2\tplain text\tThe "Who"\n'
)
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
DPR = [
    {
        "dataset": "nq_dev_psgs_w100",
        "question": "who sings does he love me with reba",
        "answers": ["Linda Davis"],
        "positive_ctxs": [
            {
                "title": "Does He Love You",
                "text": 'a duet with Linda Davis; "Does He Love You"',
                "score": 1000,
                "title_score": 1,
                "passage_id": "11828866",
            }
        ],
        "negative_ctxs": [],
        "hard_negative_ctxs": [],
    },
    {"question": "where is it", "answers": ["there", "here"], "positive_ctxs": []},
]


def prepare_questions(folder, name, data, entry, gold=None):
    """Write a raw file, prepare it, and return the rows and the audit."""
    raw = folder / "raw"
    raw.mkdir(exist_ok=True, parents=True)
    (raw / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    gold_raw = []
    if gold:
        (folder / "gold").mkdir(exist_ok=True)
        (folder / "gold" / gold[0]).write_text(gold[1])
        gold_raw = [str(folder / "gold")]
    output = SimpleNamespace(questions=folder / "q.parquet", audit=folder / "audit.json")
    prepare_dataset.main(
        SimpleNamespace(raw=str(raw), manifest="", gold_raw=gold_raw),
        output,
        SimpleNamespace(entry=entry, name="set"),
    )
    return pl.read_parquet(output.questions).to_dicts(), json.loads(output.audit.read_text())


def prepare_passages(folder, name, data, entry):
    """Write a raw file, prepare it, and return the rows and the audit."""
    raw = folder / "raw"
    raw.mkdir(exist_ok=True, parents=True)
    (raw / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    output = SimpleNamespace(passages=folder / "p.parquet", audit=folder / "audit.json")
    prepare_corpus.main(
        SimpleNamespace(raw=[str(raw)], manifests=[]), output, SimpleNamespace(entry=entry)
    )
    return pl.read_parquet(output.passages).to_dicts(), json.loads(output.audit.read_text())


@pytest.mark.parametrize(
    "name, pack",
    [
        ("psgs.tsv", lambda data: data),
        ("psgs.tsv.gz", gzip.compress),
        ("psgs.tsv.bz2", bz2.compress),
        ("psgs.tsv.xz", lzma.compress),
        ("unnamed", gzip.compress),
    ],
)
def test_dpr_passages(tmp_path, name, pack):
    """DPR's passages are read, quotes and all, whatever they are compressed with."""
    rows, audit = prepare_passages(tmp_path, name, pack(PSGS.encode()), {"format": "dpr_tsv"})
    assert rows == [
        {"id": "1", "title": "Aaron", "text": 'Aaron (; "Ahärôn") is a prophet, high priest.'},
        {"id": "2", "title": 'The "Who"', "text": "plain text"},
    ]
    assert (audit["passages"], audit["words"]["max"]) == (2, 8)


def test_zstd(tmp_path):
    """zstd is read as the others are."""
    zstandard = pytest.importorskip("zstandard")
    data = zstandard.compress(PSGS.encode())
    assert len(prepare_passages(tmp_path, "psgs.zst", data, {"format": "dpr_tsv"})[0]) == 2


def test_beir(tmp_path):
    """BEIR's corpus keeps ids, titles and texts."""
    line = {"_id": "MED-10", "title": "Statins", "text": "Recent studies.", "metadata": {}}
    rows, _ = prepare_passages(tmp_path, "corpus.jsonl", json.dumps(line), {"format": "beir"})
    assert rows == [{"id": "MED-10", "title": "Statins", "text": "Recent studies."}]


def test_dpr_questions(tmp_path):
    """DPR's positives are the gold passages, and a question without an id gets its number."""
    data = gzip.compress(json.dumps(DPR, indent=4).encode())
    rows, audit = prepare_questions(tmp_path, "biencoder-nq-dev.json.gz", data, {"format": "dpr"})
    assert [row["question_id"] for row in rows] == ["0", "1"]
    assert rows[0]["gold"][0]["id"] == "11828866"
    assert rows[1]["gold"] == []
    assert (audit["with_gold"], audit["gold_has_answer"]) == (1, 1.0)


def test_nq_open(tmp_path):
    """NQ-open's lines become questions without gold passages."""
    data = '{"question": "who won", "answer": ["The Eagles", "Eagles"]}\n'
    rows, _ = prepare_questions(tmp_path, "NQ-open.jsonl", data, {"format": "nq_open"})
    assert rows[0]["answers"] == ["The Eagles", "Eagles"]


def test_dprs_questions_for_its_retriever(tmp_path):
    """A line of nq-test.qa.csv is a question and a Python list of answers, quoted where need be."""
    data = (
        "who got the first nobel prize in physics\t['Wilhelm Conrad Röntgen']\n"
        'what is it\t"[""It\'s \'this\'"", \'that\']"\n'
    )
    rows, _ = prepare_questions(tmp_path, "nq-test.qa.csv", data, {"format": "dpr_qa"})
    assert [row["answers"] for row in rows] == [["Wilhelm Conrad Röntgen"], ["It's 'this'", "that"]]
    assert rows[0]["question"] == "who got the first nobel prize in physics"
    assert len({row["question_id"] for row in rows}) == 2


@pytest.mark.parametrize("wordless", ["drop", "keep"])
def test_answers_without_words(tmp_path, caplog, wordless):
    """Two questions of NQ-open can be answered by signs alone: they are left out, or kept as is."""
    lines = [("moon", ["1972", "*"]), ("pigs", ["---"]), ("bass", [")"])]
    data = "".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in lines)
    entry = {"format": "nq_open", "wordless_answers": wordless}
    rows, audit = prepare_questions(tmp_path, "dev.jsonl", data, entry)
    kept = [(row["question_id"], row["answers"]) for row in rows]
    if wordless == "keep":
        assert kept == [("0", ["1972", "*"]), ("1", ["---"]), ("2", [")"])]
    else:
        assert kept == [("0", ["1972"])]
        assert audit["left_out"] == 2
        assert "2 questions left out: their answers have no words" in caplog.text
        assert "dev.jsonl, line 2" in caplog.text


SIMPLEQA = (
    "metadata,problem,answer\n"
    "\"{'topic': 'Science', 'urls': ['https://a', 'https://b']}\",Who won in 2010?,Michio Sugeno\n"
)


def test_simpleqa_with_the_users_passages(tmp_path):
    """SimpleQA's questions take gold passages from a file that the user gives."""
    gold = ("gold.jsonl", json.dumps({"question": "Who won in 2010?", "text": "Sugeno won."}))
    rows, audit = prepare_questions(
        tmp_path, "simple_qa_test_set.csv", SIMPLEQA, {"format": "simpleqa"}, gold
    )
    assert rows[0]["answers"] == ["Michio Sugeno"]
    assert rows[0]["gold"] == [{"id": "", "title": "", "text": "Sugeno won."}]
    assert audit["gold_has_answer"] == 0.0


def test_gold_that_is_nowhere(tmp_path):
    """A gold id that the gold object lacks is an error that names both files and the line."""
    data = json.dumps({"question": "a", "answers": ["b"], "gold": ["p9"]})
    with pytest.raises(UserError, match=r"x.jsonl, line 1: the gold passage 'p9' is not in .*gold"):
        prepare_questions(tmp_path, "x.jsonl", data, {"format": "jsonl"}, GOLD)


@pytest.mark.parametrize("limit", [None, 1])
def test_gold_of_other_questions(tmp_path, caplog, limit):
    """Gold that belongs to no question is told, unless a limit leaves questions out."""
    lines = [{"question": name, "text": "x"} for name in ("Who won in 2010?", "Whom?")]
    gold = ("gold.jsonl", "\n".join(map(json.dumps, lines)))
    entry = {"format": "simpleqa"} | ({"limit": limit} if limit else {})
    prepare_questions(tmp_path, "x.csv", SIMPLEQA, entry, gold)
    told = "belong to no question of this set: 1, the first by question 'Whom?'" in caplog.text
    assert told == (limit is None)


@pytest.mark.parametrize(
    "question", ["Wie hei\u00dft K\u00f6ln?", " Wie  hei\u00dft\nKo\u0308ln? "]
)
def test_gold_by_question_is_joined_in_normal_form(tmp_path, caplog, question):
    """Another way to write an umlaut or white space makes no other question."""
    gold = ("gold.jsonl", json.dumps({"question": question, "text": "x"}))
    data = json.dumps({"question": "Wie hei\u00dft  K\u00f6ln? ", "answers": ["b"]})
    rows, _ = prepare_questions(tmp_path, "x.jsonl", data, {"format": "jsonl"}, gold)
    assert [one["text"] for one in rows[0]["gold"]] == ["x"]
    assert "belong to no question" not in caplog.text


RECORD = {"qid": 7, "q": "who?", "a": ["me", "I"], "g": ["p1"]}
COLUMNS = {"question_id": "qid", "question": "q", "answers": "a", "gold": "g"}
GOLD = ("gold.jsonl", '{"id": "p1", "title": "T", "text": "It is me."}\n')


def test_generic_jsonl(tmp_path):
    """A column mapping reads any JSONL, and gold ids are looked up in the gold object."""
    entry = {"format": "jsonl", "columns": COLUMNS}
    rows, _ = prepare_questions(tmp_path, "x.jsonl", json.dumps(RECORD), entry, GOLD)
    assert rows == [
        {
            "question_id": "7",
            "question": "who?",
            "answers": ["me", "I"],
            "gold": [{"id": "p1", "title": "T", "text": "It is me."}],
        }
    ]


def test_generic_csv(tmp_path):
    """In CSV several answers stand in a JSON list."""
    data = 'qid,q,a,g\n7,who?,"[""me"", ""I""]",p1\n'
    entry = {"format": "csv", "columns": COLUMNS}
    rows, _ = prepare_questions(tmp_path, "x.csv", data, entry, GOLD)
    assert (rows[0]["answers"], rows[0]["gold"][0]["id"]) == (["me", "I"], "p1")


def test_generic_parquet(tmp_path):
    """Parquet's lists are answers as they are."""
    buffer = io.BytesIO()
    pl.DataFrame([RECORD]).write_parquet(buffer)
    entry = {"format": "parquet", "columns": COLUMNS}
    rows, _ = prepare_questions(tmp_path, "x.parquet", buffer.getvalue(), entry, GOLD)
    assert (rows[0]["question_id"], rows[0]["answers"]) == ("7", ["me", "I"])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_generic_passages(tmp_path, kind):
    """Generic corpora need an id and a text; the title may be missing."""
    frame, buffer = pl.DataFrame({"n": [1, 2], "body": ["a b", "c"]}), io.BytesIO()
    {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[kind](
        buffer
    )
    entry = {"format": kind, "columns": {"id": "n", "text": "body"}}
    rows, _ = prepare_passages(tmp_path, f"x.{kind}", buffer.getvalue(), entry)
    assert rows == [{"id": "1", "title": "", "text": "a b"}, {"id": "2", "title": "", "text": "c"}]


TWICE = b"".join([b'{"question_id": 1, "question": "a", "answers": %s}\n'] * 2)
BAD_QUESTIONS = [
    ("nq_open", b'{"question": "a", "answer": ["b"]}\n{"question"', "line 2: not JSON"),
    ("nq_open", b'{"question": "a", "answer": ["b"]}\n["x"]\n', "line 2: not a JSON object"),
    ("nq_open", b'{"question": "a", "answr": ["b"]}', "no 'answer'; did you mean 'answr'?"),
    ("nq_open", b'{"question": "a", "answer": "b"}', "line 1: 'answer' is not a list"),
    ("nq_open", b'{"question": "a", "answer": [true]}', "line 1: the answer True is not text"),
    ("nq_open", b'\n{"question": "a", "answer": []}', "line 2: a question without answers"),
    ("nq_open", b'{"question": "a", "answer": [" "]}', "line 1: a question without answers"),
    ("nq_open", b'{"question": "a", "answer": ["The"]}', "nothing is left of the answer 'The'"),
    ("nq_open", b'{"question": " ", "answer": ["b"]}', "line 1: an empty question"),
    ("nq_open", b'{"question": "a", "answer": ["b"]}\n\xff\xfe', "line 2: not UTF-8"),
    ("nq_open", b"", "no question in it"),
    ("dpr", b'[{"question": "a",\n"answers": ["b"]},\n{"question": }]', "line 3: not JSON"),
    ("dpr", b'[{"question": "a", "answers": ["b"]}', "line 1: the JSON array never closes"),
    ("dpr", b'[{"question": "a", "answers": ["b"]}]\n x', "line 2: something follows"),
    ("dpr", b'[{"question": "\\ud83d!", "answers": ["b"]}]', "line 1: half a character, \\ud83d"),
    ("dpr", b"[" * 100_000, "line 1: brackets nested too deep"),
    ("dpr", b'[{"question": ' + b"9" * 5000 + b"}]", "line 1: not JSON (Exceeds the limit"),
    ("dpr", TWICE % (b'["b"]', b'["c"]'), "line 2: the question id '1' is already used in"),
    ("nq_open", b'{"question": "\\uDC00", "answer": ["b"]}', "line 1: half a character"),
    ("nq_open", b'{"question": ' + b"[" * 100_000, "line 1: brackets nested too deep"),
    ("nq_open", b"PK\x03\x04zipped", "is an archive (zip); unpack it"),
    ("squad", b'{"data": []} {"data": []}', "line 1: something follows"),
    ("dpr", b"hello", "neither a JSON array nor JSONL"),
    ("dpr_qa", b"who\t['x']\nwhat\n", "line 2: 1 columns instead of 2 (question, answers)"),
    ("dpr_qa", b"who\t['x']\nwhat\topen('x')\n", "line 2: the answers are no list of texts"),
    ("dpr_qa", b"who\t['x', 3]\n", "line 1: the answers are no list of texts; write ['one'"),
    ("simpleqa", b"metadata,problem,answer\na,b\n", "line 2: 2 columns instead of 3"),
    ("simpleqa", b'metadata,problem,answer\nx,y,z\na,"b,c\n', "line 3: unexpected end of data"),
    ("jsonl", TWICE % (b'"b"', b'"c"'), "line 2: the question id '1' is already used in"),
    ("jsonl", b'{"question": "a", "answers": "b", "gold": ["p9"]}', "gold passage 'p9' is not in"),
    ("jsonl", b'{"question": "a", "answers": true}', "'answers' is not a list or text or a number"),
    ("csv", b"question;answers\na, b;c\n", "line 1: the columns are separated by ';', not by ','"),
    ("csv", b"question,answers,answers\na,b,c\n", "line 1: the column 'answers' occurs twice"),
    ("csv", b"question,answers\na,\"['b', 'c']\"\n", 'is no JSON list; write ["a", "b"]'),
    ("csv", b"question,answers\r\na,\r\n", "line 2: a question without answers"),
    ("parquet", b"nonsense", "not a Parquet file"),
]


@pytest.mark.parametrize("kind, data, sentence", BAD_QUESTIONS)
def test_bad_questions(tmp_path, kind, data, sentence):
    """A mistake in a question file is one line that names the file, and leaves nothing behind."""
    with pytest.raises(UserError) as caught:
        prepare_questions(tmp_path, "bad.data", data, {"format": kind})
    assert sentence in str(caught.value)
    assert "bad.data" in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.parquet")) and not list(tmp_path.glob(".*"))


BAD_PASSAGES = [
    ("dpr_tsv", b"id\ttext\n1\tx\n", "line 1: no column 'title'"),
    ("dpr_tsv", b"id\ttext\ttitle\n1\tx\ty\n2\tx\n", "line 3: 2 columns instead of 3"),
    ("dpr_tsv", b"id\ttext\ttitle\n1\tx\ty\n2\tx\ty\tz\n", "line 3: 4 columns instead of 3"),
    ("dpr_tsv", b"id\ttext\ttitle\n1\tx\ty\n1\tz\ty\n", "line 3: the id '1' is already used in"),
    ("dpr_tsv", b"id\ttext\ttitle\n1\tx\ty\n2\t\xff\ty\n", "line 3: not UTF-8"),
    ("dpr_tsv", b'id\ttext\ttitle\n1\t"a\nb"\ty\n1\tz\ty\n', "line 4: the id '1'"),
    ("dpr_tsv", b"id\ttext\ttitle\n\tx\ty\n", "line 2: a passage without an id"),
    ("dpr_tsv", b"id\ttext\ttitle\n", "no passage in it"),
    ("dpr_tsv", b'id\ttext\ttitle\n1\tx\ty\n2\t"x\ty\n', "line 3: unexpected end of data"),
    ("beir", b'{"_id": "1", "text": "x"}\n{"_id": "2", "title": "y"}', "line 2: no 'text'"),
    ("beir", b'{"_id": "1", "text": 5}', "line 1: 'text' is not text"),
    ("parquet", b"PAR1", "not a Parquet file"),
]


@pytest.mark.parametrize("kind, data, sentence", BAD_PASSAGES)
def test_bad_passages(tmp_path, kind, data, sentence):
    """A mistake in a corpus is one line that names the file, and leaves nothing behind."""
    with pytest.raises(UserError) as caught:
        prepare_passages(tmp_path, "bad.data", data, {"format": kind})
    assert sentence in str(caught.value)
    assert "bad.data" in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.parquet")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "name, data, sentence",
    [
        ("a.tsv.gz", PSGS.encode(), "is gz by its name but not by its content"),
        ("a.tsv.gz", gzip.compress(PSGS.encode() * 99)[:-20], "ends too early"),
        ("a.tar.gz", gzip.compress(PSGS.encode()), "is an archive"),
        ("a.data", bytes(257) + b"ustar" + bytes(250), "is an archive"),
        ("a.bz2", b"BZh9" + b"nonsense", "cannot be unpacked"),
    ],
)
def test_bad_compression(tmp_path, name, data, sentence):
    """A file that does not unpack is named."""
    with pytest.raises(UserError, match=sentence):
        prepare_passages(tmp_path, name, data, {"format": "dpr_tsv"})


def test_unknown_formats():
    """An unknown format, or one that holds the other kind, is an error with a hint."""
    with pytest.raises(UserError, match="did you mean 'nq_open'"):
        reader("nqopen", "questions")
    with pytest.raises(UserError, match="'nq_open' holds no passages"):
        reader("nq_open", "passages")


def test_formats_are_modules_of_their_name():
    """Each format is read by the module of that name, so that its code can be fingerprinted."""
    for name, load in FORMATS.items():
        assert load().__name__ == f"slmrag.data.formats.{name}"


values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3), values), max_size=5), st.booleans())
def test_arrays_come_item_by_item(tmp_path_factory, items, pretty):
    """A JSON array is cut into the objects that the standard library finds in it."""
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(json.dumps(items, indent=2 if pretty else None), encoding="utf-8")
    assert [item for _, item in json_items(path)] == items


DATA = Path(__file__).parent / "files"


def fixture(folder, name, kind, gold=None):
    """Prepare a file of tests/data/files as questions."""
    return prepare_questions(folder, name, (DATA / name).read_bytes(), {"format": kind}, gold)


def test_squad(tmp_path):
    """SQuAD's paragraph is the gold passage; what has no answer is left out."""
    rows, audit = fixture(tmp_path, "squad-dev-v2.0.json", "squad")
    assert [row["answers"] for row in rows] == [["France"], ["10th century"]]
    assert [row["gold"][0]["id"] for row in rows] == ["Normans#0", "Normans#1"]
    assert audit["gold_has_answer"] == 1.0


def test_squad_as_a_corpus(tmp_path):
    """SQuAD's paragraphs are passages with the ids that its questions name."""
    data = (DATA / "squad-dev-v2.0.json").read_bytes()
    rows, _ = prepare_passages(tmp_path, "squad.json", data, {"format": "squad"})
    assert [row["id"] for row in rows] == ["Normans#0", "Normans#1"]


def test_kilt(tmp_path):
    """KILT's provenance is looked up among the paragraphs of its knowledge source."""
    source = (DATA / "kilt_knowledgesource.json").read_text()
    gold = ("kilt_knowledgesource.json", source)
    rows, audit = fixture(tmp_path, "nq-dev-kilt.jsonl", "kilt", gold)
    assert rows[0]["answers"] == ["the therefore sign", "therefore sign"]
    assert [p["id"] for p in rows[0]["gold"]] == ["593693#1", "593693#2", "593693#3"]
    assert audit["gold_has_answer"] == 1.0


def test_kilt_as_a_corpus(tmp_path):
    """The knowledge source becomes its paragraphs, without the empty ones."""
    data = (DATA / "kilt_knowledgesource.json").read_bytes()
    rows, _ = prepare_passages(tmp_path, "k.json", data, {"format": "kilt"})
    assert [row["id"] for row in rows][3:] == ["593693#3", "12#0", "12#1"]
    assert rows[3] == {
        "id": "593693#3",
        "title": "Therefore sign",
        "text": "- All gods are immortal.",
    }


def test_nq_simplified(tmp_path):
    """NQ's short answers of at most five words stand in the long answer, markup removed."""
    rows, audit = fixture(tmp_path, "nq-simplified.jsonl", "nq_simplified")
    assert [row["answers"] for row in rows] == [["Gary Thuerk"]]
    assert rows[0]["gold"][0]["text"].endswith("message by Gary Thuerk & co .")
    assert (rows[0]["question_id"], audit["gold_has_answer"]) == ("5655493461695504401", 1.0)


def test_nq_original(tmp_path):
    """The original NQ, with tokens and several annotators, reads the same."""
    rows, _ = fixture(tmp_path, "nq-original.jsonl", "nq_simplified")
    assert rows[0]["answers"] == ["warm air"]
    assert rows[0]["gold"] == [
        {"id": "-1220107454853145579#1", "title": "Trade winds", "text": "warm air blows"}
    ]


def test_what_is_no_text_is_left_out_of_a_folder(tmp_path, caplog):
    """Pictures, office files and hidden files are no passages, are counted, and no mistakes.

    So is what is not what its suffix says; UTF-16 is a mistake.
    """
    office = b"PK\x03\x04" + bytes(30)
    files = {
        **{"x.png": b"\x89PNG\r\n\x1a\n", "y.PNG": b"\x89PNG\r\n\x1a\n", "z.pdf": b"%PDF-1.7\0"},
        **{"minutes.docx": office, "sums.xlsx": office, "book.epub": office, "all.zip": office},
        **{"old.doc": b"\xd0\xcf\x11\xe0" + bytes(9), "notes.gz": b"no gzip", "o.o": b"\0"},
        **{"figure.jpg": POINTER.encode(), ".hidden": b"hidden"},
        **{"v1.2.txt": b"a", "b.md.gz": gzip.compress(b"b")},
    }
    for name, data in files.items():
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw" / name).write_bytes(data)
    rows, audit = prepare_passages(tmp_path, "c.txt", "c", {"format": "text"})
    assert [(row["title"], row["text"]) for row in rows] == [("b", "b"), ("c", "c"), ("v1.2", "a")]
    assert audit["files_left_out"] == {".doc": 1, ".docx": 1, ".epub": 1, ".gz": 1, ".jpg": 1} | {
        ".o": 1,
        ".pdf (broken)": 1,
        ".png": 2,
        ".xlsx": 1,
        ".zip": 1,
    }
    assert "files that end in .png are no text: left out (2)" in caplog.text
    with pytest.raises(UserError, match=r"w\.txt, line 1: not UTF-8"):
        prepare_passages(tmp_path, "w.txt", "w".encode("utf-16"), {"format": "text"})


def test_folders_of_text(tmp_path, monkeypatch):
    """Each file of a folder is a document, called by its path, cut where the entry says so."""
    shutil.copytree(DATA / "docs", tmp_path / "resources/raw/docs")
    monkeypatch.chdir(tmp_path)
    output = SimpleNamespace(passages="p.parquet", audit="audit.json")
    entry = {"format": "text", "chunk": {"by": "sentences", "size": 1, "overlap": 0}}
    prepare_corpus.main(
        SimpleNamespace(raw=["resources/raw/docs"]), output, SimpleNamespace(entry=entry)
    )
    assert pl.read_parquet("p.parquet").rows() == [
        ("first.md#0", "The first one", "It has a body."),
        ("first.md#1", "The first one", "And more."),
        ("more/second.txt#0", "second", "No heading here."),
    ]


def test_formats_are_those_of_the_config():
    """The config knows exactly the formats that can be read."""
    for kind, known in (("passages", CorpusFormat), ("questions", DatasetFormat)):
        readable = {name for name, load in FORMATS.items() if hasattr(load(), kind)}
        assert readable == set(get_args(known))


def test_train_set(tmp_path):
    """A train set adds a flag to each question and counts to the audit."""
    for name, line in (
        ("test", {"question": "who?", "answer": ["me"]}),
        ("train", {"question": "Who", "answer": ["x"]}),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jsonl").write_text(json.dumps(line))
    output = SimpleNamespace(questions=tmp_path / "q.parquet", audit=tmp_path / "audit.json")
    raw = {"raw": str(tmp_path / "test"), "gold_raw": [], "train_raw": [str(tmp_path / "train")]}
    params = SimpleNamespace(entry={"format": "nq_open"}, name="set")
    prepare_dataset.main(SimpleNamespace(**raw), output, params)
    assert pl.read_parquet(output.questions)["overlap"].to_list() == ["question"]
    assert json.loads(output.audit.read_text())["overlap"] == {"question": 1}
