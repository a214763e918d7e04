"""CSV and TSV: the fast reading and the careful one are one reading, which is Python's csv."""

import csv
import os
import random
from collections import Counter
from functools import partial

import polars as pl
import pytest
from slmrag.data.formats import reader
from slmrag.data.reading import delimited, lines
from slmrag.data.reading.compression import blocks_of
from slmrag.data.reading.dialect import Dialect
from slmrag.data.reading.swallowed_lines import SwallowedLines
from slmrag.errors import UserError

from tests.data.test_formats import prepare_passages, prepare_questions

BLOCKS = int(os.environ.get("SLMRAG_CSV_BLOCKS", 1500))
SEED = int(os.environ.get("SLMRAG_CSV_SEED", 0))
"""How many random files are compared, and which: all is well with SLMRAG_CSV_BLOCKS=200000."""

SIGNS = ['"', '""', "\n", "\r", "\r\n", "\\", '\\"', " ", "\0", "\ufeff", "é", "a", "#"]
NAMES = {"id": "id", "title": "title", "text": "text"}
HEADER = ["id", "title", "text"]


def soup(chance, separator):
    """Return any signs in any order."""
    return "".join(chance.choices([*SIGNS, separator, separator, '"'], k=chance.randrange(30)))


def plain(chance, separator):
    """Return a field without any mark."""
    return f"a{chance.randrange(9)}"


def marked(chance, separator):
    """Return a field that is not quoted, but has quote signs inside."""
    signs = ["a", "é", " ", "'", '"', '""', "\\"]
    return "".join(chance.choices(signs, [9, 2, 2, 1, 1, 1, 1], k=5))


def quoted(chance, separator):
    """Return a quoted field with separators, line ends and doubled quotes in it."""
    signs = ["a", "é", separator, "\n", '""', " ", "\r"]
    return '"' + "".join(chance.choices(signs, [9, 2, 2, 2, 2, 2, 0.1], k=6)) + '"'


def empty(chance, separator):
    """Return a field with nothing in it."""
    return chance.choice(["", "", " ", '""'])


def table(chance, separator):
    """Return lines of three fields; now and then one has more or fewer, or another end."""
    written = []
    for _ in range(chance.randrange(1, 7)):
        width = chance.choices([3, 2, 4], [60, 1, 1])[0]
        kinds = chance.choices([plain, marked, quoted, empty, soup], [9, 2, 4, 2, 0.05], k=width)
        end = chance.choices(["\n", "\r\n", "\r", "\n\n"], [60, 1, 1, 1])[0]
        written.append(separator.join(kind(chance, separator) for kind in kinds) + end)
    whole = "".join(written)
    whole = whole if chance.random() < 0.8 else whole.replace("\n", "\r\n").replace("\r\r", "\r")
    return whole if chance.random() < 0.8 else whole.rstrip("\n")


def long(chance, separator):
    """Return more rows than fit into one piece of a parallel reader, all of them sound."""
    kinds = [plain, quoted, empty]
    rows = [[kind(chance, separator) for kind in chance.choices(kinds, k=2)] for _ in range(4000)]
    return "".join(separator.join(["a", *row]).replace("\r", "") + "\n" for row in rows)


def expected(path, layout):
    """Return the rows as the standard library has them, or the kind of its complaint."""
    quoting = csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE
    rows, line = [], 0
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=layout.separator, quoting=quoting, strict=True)
            for values in reader:
                if any(value.strip(" \t") for value in values):
                    rows.append((line + 1, values[:3]))
                    if len(values) < 3 or any(value.strip(" \t") for value in values[3:]):
                        return "columns"
                line = reader.line_num
    except csv.Error:
        return "quotes"
    return [(*values, line) for line, values in rows[1:]]


def found(rows):
    """Return all rows, or the kind of the complaint."""
    try:
        return list(rows)
    except UserError as error:
        return "columns" if "columns instead of" in str(error) else "quotes"


def fast(path, layout):
    """Yield the rows of the fast reading."""
    for one in delimited.tables_of(path, layout, NAMES):
        yield from one.rows()


def careful(path, layout):
    """Yield the rows of the careful reading."""
    for line, row in delimited.rows_of(path, layout):
        yield *row.values(), line


def test_both_readings_are_the_standard_librarys(tmp_path, monkeypatch):
    """Of random files, cut into blocks anywhere, both readings have the rows and lines of csv.

    Both tell the same of records of several lines.
    """
    told = []
    monkeypatch.setattr(SwallowedLines, "warn", lambda self: told.append((self.lines, self.first)))
    chance, path, ways = random.Random(SEED), tmp_path / "x.csv", Counter()
    taken = delimited.fast_rows

    def counted(*arguments):
        rows = taken(*arguments)
        ways["careful" if rows is None else "fast"] += 1
        return rows

    monkeypatch.setattr(delimited, "fast_rows", counted)
    for number in range(BLOCKS):
        separator, quotes = chance.choice(",\t;"), chance.random() < 0.9
        kind = chance.choices([table, soup, long], [4, 1, 0.01])[0]
        size = chance.choice([5, 20, 1 << 20]) if kind is not long else 1 << 16
        layout = Dialect(separator, quotes)
        text = separator.join(HEADER) + "\n" + kind(chance, separator)
        path.write_text(text, encoding="utf-8", newline="")
        monkeypatch.setattr(lines, "blocks_of", partial(blocks_of, size=size))
        right = expected(path, layout)
        ways["refused" if isinstance(right, str) else "read"] += 1
        assert found(fast(path, layout)) == right, (number, text[:2000], size, layout)
        assert found(careful(path, layout)) == right, (number, text[:2000], size, layout)
        assert isinstance(right, str) or told[-2] == told[-1], (number, text[:2000], size, layout)
    assert min(ways[way] for way in ("fast", "careful", "refused", "read")) > BLOCKS // 10


def write(folder, data, name="x.csv"):
    """Write a file and return where it is."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def texts(path, columns=None, **keys):
    """Return the texts of the passages of a file, and check that they have ids."""
    keys = {"format": "csv", **keys}
    tables = list(reader(keys["format"], "passages", keys)(path, columns or {}))
    rows = pl.concat(tables) if tables else pl.DataFrame({"id": [], "text": []})
    assert rows["id"].to_list() == [str(number) for number in range(1, rows.height + 1)]
    return rows["text"].to_list()


def questions(path, **keys):
    """Return the questions of a file with their answers."""
    read = reader("csv", "questions", keys)(path, {})
    return [(one.question, one.answers) for one in read]


def test_a_short_row_beside_a_quoted_separator(tmp_path):
    """A separator inside quotes does not stand for one that a short row lacks."""
    path = write(tmp_path, 'id,title,text\n1,a,"b,c"\n2,d\n')
    with pytest.raises(UserError, match="line 3: 2 columns instead of 3"):
        texts(path)


@pytest.mark.parametrize(
    "text", ['"He said \\"Paris\\" twice"', '"Hamlet" and "Macbeth"', '"a" b', 'x,"a"b"c"']
)
def test_quotes_that_mean_two_things_are_refused(tmp_path, text):
    """Quotes escaped by backslashes, or that open a field and go on as text, are one line."""
    path = write(tmp_path, f"id,text\n1,{text}\n2,plain\n")
    with pytest.raises(UserError, match=r"line 2: .*correct the quotes .*set quoting: none"):
        texts(path)


def test_a_quote_inside_an_unquoted_field_opens_nothing(tmp_path):
    """An inch sign leaves a quoted field of two lines whole, wherever blocks end."""
    path = write(tmp_path, 'question,answers\n5\'10" in cm?,178\n"one\ntwo?",x\nthree?,y\n')
    rows = [("5'10\" in cm?", ["178"]), ("one\ntwo?", ["x"]), ("three?", ["y"])]
    assert questions(path) == rows


@pytest.mark.parametrize("size", range(1, 40, 3))
def test_a_doubled_quote_at_a_blocks_end(tmp_path, monkeypatch, size):
    """A block is not cut at a line end inside a field that goes on behind a doubled quote."""
    monkeypatch.setattr(lines, "blocks_of", partial(blocks_of, size=size))
    path = write(tmp_path, 'id,text\n1,"a\nb ""c\nd"" e"\n2,f\n')
    assert texts(path) == ['a\nb "c\nd" e', "f"]


@pytest.mark.parametrize(
    "data",
    [
        "id,text,,\n1,a,,\n,,,\n2,b,,\n , ,,\n",
        "id,text\n1,a,,\n\n2,b\n,\n\n",
        "\n\nid,text, ,\n1,a\n2,b,,\n",
        "id,text\r1,a\r2,b\r",
        "id,text\r\n1,a\n2,b\r\r\n",
        "\ufeffid,text\n1,a\n2,b",
        "sep=,\nid,text\n1,a\n2,b",
        '\ufeff"sep=,"\r\nid,text\r\n1,a\r\n2,b\r\n',
    ],
)
def test_what_spreadsheets_leave(tmp_path, data):
    """Columns without a name, empty records, blank lines and any line end are passed over."""
    path = write(tmp_path, data)
    assert texts(path) == ["a", "b"]
    assert [row["text"] for _, row in delimited.rows_of(path, Dialect())] == ["a", "b"]


@pytest.mark.parametrize(
    "data, sentence",
    [
        ("id,text,\n1,a,b,c\n", "line 2: 4 columns instead of 3 \\(id, text\\)"),
        ("id,text\n1\n", "line 2: 1 columns instead of 2"),
        (
            "sep=;\nid;text\n1;a\n",
            "line 1: the file says that its separator is ';', .* with separator: ';'",
        ),
        ("id;text\n1;a\n", "the columns are separated by ';', .* with separator: ';'"),
        ("id\ttext\n1\ta\n", "with separator: tab"),
        ("id,text\n1,a\n".encode("utf-16"), "line 1: not UTF-8 .*convert the file"),
        ("id,text\r1,a\r2,b,c\r", "line 3: 3 columns instead of 2"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path, data, sentence):
    """What cannot be read is named with its line, and with the key that may mend it."""
    with pytest.raises(UserError, match=sentence):
        texts(write(tmp_path, data))


UNQUOTED = 'id\ttext\ttitle\n1\t"The cat sat.\tA\n2\tParis\tB\n3\tHe left."\tC\n4\tend\tD\n'


@pytest.mark.parametrize("format", ["dpr_tsv", "csv"])
def test_quotes_as_plain_text(tmp_path, format, caplog):
    """With quoting: none each line is a record, and its quotes are in the text."""
    path = write(tmp_path, UNQUOTED, "x.tsv")
    assert texts(path, format=format, quoting="none") == [
        '"The cat sat.',
        "Paris",
        'He left."',
        "end",
    ]
    assert not caplog.text


@pytest.mark.parametrize("read", [fast, careful])
def test_records_that_a_quote_swallows_are_told(tmp_path, caplog, read):
    """A quoted field over lines that all look like records is told, with its line and number."""
    path = write(tmp_path, UNQUOTED, "x.tsv")
    assert len(list(read(path, Dialect("\t")))) == 2
    assert "x.tsv, line 2: a quoted field runs over lines that all look like" in caplog.text
    assert "3 lines became 1 records" in caplog.text


def test_lines_that_a_quote_swallows_are_counted(tmp_path):
    """The audits of a corpus and of a set, its gold among it, say how many lines were swallowed."""
    _, counts = prepare_passages(tmp_path / "p", "x.tsv", UNQUOTED, {"format": "dpr_tsv"})
    assert (counts["passages"], counts["swallowed_lines"]) == (2, 2)
    asked = 'question\tanswers\nwho?\t"x\nwhat?\ty"\nwhere?\tz\n'
    gold = ("g.tsv", 'question\ttext\nwhere?\t"a b\nwho?\tc d"\nwhere?\te\n')
    _, counts = prepare_questions(tmp_path, "q.tsv", asked, {"format": "csv"}, gold)
    assert (counts["questions"], counts["swallowed_lines"]) == (2, 2)
    once = {"format": "csv", "quoting": "none"}
    _, counts = prepare_questions(tmp_path / "n", "q.tsv", asked, once)
    assert counts["questions"] == 3 and "swallowed_lines" not in counts


@pytest.mark.parametrize(
    "gold, sentence",
    [
        ("question;text\nwho?;a\n", "not by ','; write ',' between them$"),
        ("sep=;\nquestion;text\nwho?;a\n", "line 1: the file says .* write ',' between them$"),
        ('question,text\nwho?,"a" b\n', "line 2: .* inside a quoted field is doubled\\)$"),
    ],
)
def test_keys_that_a_file_of_gold_does_not_have(tmp_path, gold, sentence):
    """Of a file of gold no key says how it is written, so none is proposed."""
    with pytest.raises(UserError, match=sentence):
        asked = "question,answers\nwho?,x\n"
        prepare_questions(tmp_path, "q.csv", asked, {"format": "csv"}, ("g.csv", gold))


def test_texts_of_several_lines_are_not_told(tmp_path, caplog):
    """A text with line ends, and with separators here and there, is a text."""
    data = 'id,text,title\n1,"one, two\nthree, four",A\n2,"five\nsix",B\n'
    assert texts(write(tmp_path, data)) == ["one, two\nthree, four", "five\nsix"]
    assert not caplog.text


def test_a_file_without_a_header(tmp_path):
    """The columns of a collection that has no header, as MS MARCO's, are named by the entry."""
    path = write(tmp_path, '1\tThe "Manhattan" Project\n2\t"its success\n', "collection.tsv")
    keys = {"header": ["id", "text"], "quoting": "none"}
    assert texts(path, **keys) == ['The "Manhattan" Project', '"its success']
    path = write(tmp_path, "id|body\n1|a\n")
    with pytest.raises(UserError, match="line 1: the file has a header of its own"):
        texts(path, {"text": "body"}, header=["id", "body"], separator="|")
