"""What is no data is refused by name or passed over, and pages become text."""

import gzip
import json

import polars as pl
import pytest
from slmrag.data.reading.html import page_text
from slmrag.errors import UserError

from tests.data.test_formats import POINTER, prepare_passages, prepare_questions

PAGE = "<!DOCTYPE html>\n<html><body>Sign in to go on</body></html>"
STAND_INS = {
    "is a Git LFS pointer, not the file itself; run git lfs pull": POINTER,
    "is an HTML page, not data": PAGE,
    "is an HTML page": "\ufeff\n<!-- made --> <HTML lang='de'>",
    "is an HTML": '<?xml version="1.0"?>\n' + PAGE,
    "is XML, not data": '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("format", ["dpr_tsv", "jsonl", "csv", "parquet", "kilt", "squad"])
@pytest.mark.parametrize("sentence", STAND_INS)
def test_what_stands_in_the_place_of_data(tmp_path, sentence, format, pack):
    """A pointer, a page or a server's error is named as what it is, whatever data was expected."""
    data = pack(STAND_INS[sentence].encode())
    with pytest.raises(UserError, match=sentence) as caught:
        prepare_passages(tmp_path, "x.data", data, {"format": format})
    assert "x.data: is" in str(caught.value) and "\n" not in str(caught.value)


OTHERS = [
    ("x.jsonl", b"PAR1....", "jsonl", "is Parquet; set format: parquet"),
    ("x.arrow", b"ARROW1", "parquet", "is an Arrow file; write it as Parquet"),
    ("x.db", b"SQLite format 3\0", "csv", "is an SQLite database; export it"),
    ("x.pdf", b"%PDF-1.7", "jsonl", "is a PDF, not data"),
    ("x.xls", b"\xd0\xcf\x11\xe0", "csv", "is an old office file; export it as CSV"),
    ("x.XLSX", b"PK\x03\x04", "csv", "is an office file; export it as CSV"),
]


@pytest.mark.parametrize("name, data, format, sentence", OTHERS)
def test_a_file_of_another_format(tmp_path, name, data, format, sentence):
    """What the first bytes tell of another format is said."""
    with pytest.raises(UserError, match=sentence):
        prepare_passages(tmp_path, name, data, {"format": format})


def test_a_pointer_in_the_place_of_gold(tmp_path):
    """The gold object is looked at, too."""
    asked = '{"question": "a", "answers": "b"}'
    with pytest.raises(UserError, match=r"gold\.csv: is a Git LFS pointer"):
        prepare_questions(tmp_path, "q.jsonl", asked, {"format": "jsonl"}, ("gold.csv", POINTER))


def test_a_pointer_among_documents(tmp_path):
    """A pointer in the place of a document is refused: it is not what the document says."""
    with pytest.raises(UserError, match=r"a\.md: is a Git LFS pointer"):
        prepare_passages(tmp_path, "a.md", POINTER, {"format": "text"})


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_what_tells_of_the_data_is_passed_over(tmp_path, format):
    """What Spark and the hub write beside the data is none, though nobody hid it."""
    names = ["_SUCCESS", "_committed_12", "_common_metadata", "README.md", "README", "LICENSE.txt"]
    names += ["dataset_infos.json", ".gitattributes", "part-0.crc", "CITATION.cff"]
    (tmp_path / "raw/more").mkdir(parents=True)
    for name in names:
        (tmp_path / "raw" / name).write_text("no data" if name[0] != "_" else "")
    (tmp_path / "raw/more/_SUCCESS").touch()
    row = {"id": "1", "title": "", "text": "a"}
    pl.DataFrame([row]).write_parquet(tmp_path / "x.parquet")
    data = (tmp_path / "x.parquet").read_bytes() if format == "parquet" else json.dumps(row)
    rows, audit = prepare_passages(tmp_path, f"part-0.snappy.{format}", data, {"format": format})
    assert rows == [row] and "files_left_out" not in audit


@pytest.mark.parametrize("name", ["README.jsonl", "README_questions.jsonl", "README.md"])
def test_a_file_that_is_the_data_is_read(tmp_path, name):
    """A file of data is read whatever it is called, and so is the only file that there is."""
    rows, _ = prepare_passages(tmp_path, name, '{"id": 1, "text": "a"}', {"format": "jsonl"})
    assert len(rows) == 1


def test_a_readme_is_a_document(tmp_path):
    """In a folder of documents a README is one of them."""
    rows, _ = prepare_passages(tmp_path, "README.md", "# Us\n\nWho we are.", {"format": "text"})
    assert [(row["title"], row["text"]) for row in rows] == [("Us", "Who we are.")]


@pytest.mark.parametrize(
    "data, sentence",
    [
        (b"PK\x03\x04 docx", "is an archive"),
        (b"{\\rtf1", "x.bin: is no text; convert it to plain"),
    ],
)
def test_documents_without_a_text(tmp_path, data, sentence):
    """Where nothing is text, the first file is named."""
    with pytest.raises(UserError, match=sentence):
        prepare_passages(tmp_path, "x.bin", data, {"format": "text"})


HTML = """<!doctype html><html><head><title>The  capital &amp; more</title>
<style>p {color: red}</style><script>var paris = "<p>no</p>";</script></head>
<body><nav><ul><li>Home<li>About</ul></nav><h1>France</h1>
<p>Paris is the <b>capital</b>
of <a href="https://x.org/fr">France</a>.<br>It is large.</p><!-- <p>hidden</p> -->
<table><tr><th>City</th><td>2&nbsp;million</td></tr></table></body></html>"""


@pytest.mark.parametrize("name", ["page.html", "page.HTM.gz", "page.txt"])
def test_a_page_is_a_document(tmp_path, name):
    """Of HTML the text is read, block by block, without tags, scripts, styles and comments."""
    data = gzip.compress(HTML.encode()) if name.endswith("gz") else HTML.encode()
    ((row,), _) = prepare_passages(tmp_path, name, data, {"format": "text"})
    assert row["title"] == "The capital & more"
    assert row["text"].split("\n\n") == [
        *("Home", "About", "France", "Paris is the capital of France.\nIt is large."),
        "City 2 million",
    ]


@pytest.mark.parametrize(
    "html, expected",
    [
        ("<h1>A <i>b</i></h1><p>c", ("A b", "A b\n\nc")),
        ("<p>a < b & c</p>", (None, "a < b & c")),
        ("<p>a<svg><text>s</text></svg>b</p></svg>", (None, "ab")),
        ("<title></title><p>x", (None, "x")),
        ("<td>1</td><td>2</td>", (None, "1 2")),
        ("<p>中文\n字<td>城</td>\n<td>市</td>", (None, "中文字 城 市")),
        ("a<br><br>b<pre>\nc\n  d\n</pre>", (None, "a\n\nb\n\nc\n  d")),
        ("<p>a<img src=x alt='a map'>b<img></p>", (None, "a a map b")),
        ("", (None, "")),
    ],
)
def test_pages_as_people_write_them(html, expected):
    """A page without its ends, its head or its title is read as far as it goes."""
    assert page_text(html) == expected
