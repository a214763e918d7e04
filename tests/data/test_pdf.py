"""PDFs are documents: their text as it is read, and one sentence where there is none."""

import gzip
import sys

import pytest
from slmrag.data.reading.pdf import page_lines
from slmrag.errors import UserError

from tests.data.made_pdf import made_pdf
from tests.data.test_formats import prepare_passages

ENTRY = {"format": "text"}
WORDS = [(50, ["Paris is the capital."])]


def document(folder, data, name="some.pdf"):
    """Prepare a PDF as a corpus, and return its passage."""
    ((row,), _) = prepare_passages(folder, name, data, ENTRY)
    return row


@pytest.mark.parametrize(
    "name, pack", [("a.pdf", bytes), ("a.PDF.gz", gzip.compress), ("a", bytes)]
)
def test_a_pdf_is_a_document(tmp_path, name, pack):
    """Whatever it is called or packed with: its title is its own, its pages stand apart."""
    data = made_pdf(WORDS, [(50, ["It is large."])], title="On  Paris")
    row = document(tmp_path, pack(data), name)
    assert row == {"id": name, "title": "On Paris", "text": "Paris is the capital.\n\nIt is large."}


def test_two_columns(tmp_path):
    """One column is read after the other, not line by line across both."""
    left, right = ["The first column", "goes on here."], ["The second one", "comes after it."]
    row = document(tmp_path, made_pdf([(50, left), (320, right)]))
    assert row["text"].split("\n") == left + right


def test_words_that_a_line_divides(tmp_path):
    """A hyphen between small letters goes with the line's end; one of a compound stays."""
    lines = ["The exper-", "iment of COVID-", "19 is state-of-the-", "art."]
    text = document(tmp_path, made_pdf([(50, lines)]))["text"]
    assert " ".join(text.split()) == "The experiment of COVID-19 is state-of-the-art."


def test_chinese(tmp_path):
    """Lines of Chinese become one without a space in the middle of a word."""
    row = document(tmp_path, made_pdf([(50, ["法国最大的", "城市是巴黎。"])]))
    assert row["text"] == "法国最大的城市是巴黎。"


@pytest.mark.parametrize(
    "raw, expected",
    [
        ("a  b\r\n\r\nc", "a b\nc"),
        ("Jean\ufffePierre", "Jean-Pierre"),
        ("co\xadoperate", "cooperate"),
        ("東京は\r\n首都 Tokyo\r\nである", "東京は首都 Tokyo\nである"),
        ("\ufffe", "-"),
        ("Copyright \rc 2001", "Copyright c 2001"),
    ],
)
def test_lines_of_a_page(raw, expected):
    """Spaces are single, lines stay, and what marks a divided word goes."""
    assert page_lines(raw) == expected


TITLES = ["", "untitled", "(anonymous)", "Microsoft Word - draft", "C:\\x\\final v2.docx", "12-7"]


@pytest.mark.parametrize("title", [*TITLES, "Document1", "paper.dvi", "Untitled-1", "Dokument 2"])
def test_titles_that_are_none(tmp_path, title):
    """What a program wrote in the place of a title is none: the file's name is."""
    assert document(tmp_path, made_pdf(WORDS, title=title))["title"] == "some"


@pytest.mark.parametrize("title", ["TCP/IP", "Node.js for all", "Document design", "巴黎", "7 up"])
def test_titles_that_are_some(tmp_path, title):
    """A title that only looks a little like a program's own is kept."""
    assert document(tmp_path, made_pdf(WORDS, title=title))["title"] == title


UNREAD = [
    (made_pdf(None), ".pdf (no text)", "perhaps a scan; recognize its text first: left out"),
    (made_pdf([(50, [""])]), ".pdf (no text)", "a PDF without readable letters"),
    (made_pdf([(50, ["\x01\x02\x03\x04 a"])]), ".pdf (no text)", "without readable letters"),
    (made_pdf(WORDS, locked=True), ".pdf (password)", "a PDF that asks for a password"),
    (made_pdf(WORDS)[:300], ".pdf (broken)", "a damaged or truncated PDF"),
    (b"%PDF-1.7\n" + bytes(range(256)), ".pdf (broken)", "a damaged or truncated PDF"),
    (b"", ".pdf (no text)", "a file without text"),
]


@pytest.mark.parametrize("data, reason, told", UNREAD)
def test_pdfs_without_a_text(tmp_path, caplog, data, reason, told):
    """Such a PDF is left out, named in a warning that says why, and counted."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/good.txt").write_text("good")
    rows, audit = prepare_passages(tmp_path, "bad.pdf", data, ENTRY)
    assert [row["text"] for row in rows] == ["good"]
    assert audit["files_left_out"] == {reason: 1}
    assert "bad.pdf: is " in caplog.text and told in caplog.text


def test_nothing_but_a_scan(tmp_path, caplog):
    """Where no document has a text, the corpus is refused after the reason is told."""
    with pytest.raises(UserError, match=r"scan\.pdf: no passage in it"):
        prepare_passages(tmp_path, "scan.pdf", made_pdf(None), ENTRY)
    assert "perhaps a scan" in caplog.text


def test_a_page_that_is_a_picture(tmp_path, caplog):
    """Pages without letters are told where others have some; an empty page is none of them."""
    document(tmp_path, made_pdf(None, WORDS, []))
    assert "some.pdf: 1 of 3 pages are pictures without letters" in caplog.text


def test_no_library(tmp_path, monkeypatch):
    """An environment without the library says which it is, and where its version stands."""
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(UserError, match=r"some\.pdf: PDFs are read by the package pypdfium2"):
        document(tmp_path, made_pdf(WORDS))
