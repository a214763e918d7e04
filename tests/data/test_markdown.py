"""Markdown becomes what a reader of its page sees."""

import sys
from pathlib import Path

import pytest
from slmrag.data.reading.markdown import front_matter, markdown_text
from slmrag.errors import UserError

from tests.data.test_formats import prepare_passages

PATH = Path("a.md")

WHOLE = """<!-- made by hand -->
# The *first* `one` #

A **bold** [link](https://x.org/a) in
two lines, ~~old~~ [new][r] ![a map](map.png "M") &amp; \\*stars\\*.

| City | People |
|------|--------|
| Paris | 2 million |

```python
def f(x):

    return x < 1  # <b>
```

- one<br>more
- <span class="x">two</span>

[r]: https://x.org/b
"""
SEEN = [
    "A bold link in two lines, old new a map & *stars*.",
    *("City People", "Paris 2 million"),
    "def f(x):\n\n    return x < 1  # <b>",
    *("one\nmore", "two"),
]


@pytest.mark.parametrize("name", ["a.md", "a.Markdown", "a.qmd"])
def test_markdown_is_a_document(tmp_path, name):
    """Words, tables and code stay; addresses, comments and markup go, a block is a paragraph."""
    ((row,), _) = prepare_passages(tmp_path, name, WHOLE.replace("\n", "\r\n"), {"format": "text"})
    assert row == {"id": name, "title": "The first one", "text": "\n\n".join(SEEN)}


@pytest.mark.parametrize(
    "markdown, expected",
    [
        ("Title\n=====\n\na", ("Title", "a")),
        ("### Deep\na", ("Deep", "a")),
        ("a\n\n# Later", (None, "a\n\nLater")),
        ('<div>\n<h1 align="center">Us</h1>\n</div>\n\na', ("Us", "a")),
        ('# ![Logo](l.png)\n\n<p><img src="b.svg"></p>\n\na', ("Logo", "a")),
        ("# \n\na", (None, "a")),
        ("# A", ("A", "")),
        ("", (None, "")),
    ],
)
def test_the_heading_that_a_document_begins_with(markdown, expected):
    """It is the title and leaves the text; one further below stays."""
    assert markdown_text(markdown, PATH) == expected


@pytest.mark.parametrize(
    "markdown, expected",
    [
        ("---\ntitle: A: b\ntags: [x]\n---\na", ("A: b", "a")),
        ("---\ntitle: 'A: b'\ndate: 2024-13-45\n---\na", ("A: b", "a")),
        ('+++\ntitle = "T"\n+++\n# T\n\na', ("T", "a")),
        ("---\ntitle: T\n---\n# Other\na", ("T", "Other\n\na")),
        ("---\nlayout: page\n...\n# H\na", ("H", "a")),
        ("---\ntitle: [1, 2]\n---\na", (None, "a")),
        ("---\n\nAn hour: later\n\n---\n\na", (None, "An hour: later\n\na")),
        ("a\n\n---\n\nb: c\n\n---\n", (None, "a\n\nb: c")),
    ],
)
def test_facts_before_a_document(markdown, expected):
    """What stands before a document leaves the text and may name its title; a rule is none."""
    assert markdown_text(markdown, PATH) == expected


def test_a_rule_is_no_front():
    """A text between two rules stays where it is no list of facts."""
    markdown = "---\nOnce upon a time.\n---\nThe end."
    assert front_matter(markdown) == ({}, markdown)


@pytest.mark.parametrize(
    "markdown, expected",
    [
        (
            "replace <name> by <https://x.org>, 1 < 2 > 0",
            "replace <name> by https://x.org, 1 < 2 > 0",
        ),
        ("close <object> and <script> amid a line", "close <object> and <script> amid a line"),
        ("`<b>` stays, <b>bold</b> goes", "<b> stays, bold goes"),
        ("a <!-- b\nc --> d", "a d"),
        ("snake_case, a*b and $x_1$", "snake_case, a*b and $x_1$"),
        ("巴黎是法国的\n首都 Paris\n。", "巴黎是法国的首都 Paris 。"),
        ("    indented\n      code", "indented\n  code"),
    ],
)
def test_what_looks_like_markup(markdown, expected):
    """Only what is markup goes; lines become one, with a space where the script has any."""
    assert markdown_text(markdown, PATH) == (None, expected)


@pytest.mark.parametrize("levels", [12, 40])
def test_deep_lists(levels):
    """No item is lost, however deep: CommonMark's preset ends at the ninth level of a list."""
    markdown = "\n".join("  " * level + f"- item {level}" for level in range(levels))
    lines = markdown_text(markdown, PATH)[1].split("\n\n")
    assert lines == [f"item {level}" for level in range(levels)]


def test_sentences_end_with_their_block(tmp_path):
    """A heading, an item and a row are no part of the sentence after them."""
    entry = {"format": "text", "chunk": {"by": "sentences", "size": 1, "overlap": 0}}
    markdown = "# T\n\n## Opening hours\n\nWe open\nat nine. We close at five.\n\n- bread\n- milk\n"
    rows, _ = prepare_passages(tmp_path, "a.md", markdown, entry)
    said = ["Opening hours", "We open at nine.", "We close at five.", "bread", "milk"]
    assert [row["text"] for row in rows] == said


def test_no_library(monkeypatch):
    """An environment without the library says which it is, and where its version stands."""
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(UserError, match=r"a\.md: Markdown is read by the package markdown-it-py"):
        markdown_text("a", PATH)
