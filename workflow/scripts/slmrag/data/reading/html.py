"""HTML as text: the visible blocks, without tags, scripts and styles."""

import re
from html.parser import HTMLParser

from slmrag.data.reading.wrapped_lines import as_one_line

BLOCK_TAGS = frozenset(
    re.findall(
        r"\w+",
        """address article aside blockquote body caption center dd details dialog div dl dt
        fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main
        menu nav ol option p pre section select summary table tbody tfoot thead title tr ul""",
    )
)
"""Elements that are blocks of their own."""
HEADING_TAGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
CELL_TAGS = frozenset({"td", "th"})
UNSEEN_TAGS = frozenset({"script", "style", "template", "noscript", "svg", "iframe", "object"})
INLINE_SPACE = "\x1f"
"""White space between cells or beside a picture: no end of a line."""


class _Page(HTMLParser):
    """Collects the blocks of a page, and the texts of its title and of its first h1."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.lines: list[str] = []
        self.pieces: list[str] = []
        self.named: dict[str, list[str]] = {"title": [], "h1": []}
        self.open: str | None = None
        self.unseen = self.code = 0
        self.inside = self.headed = False
        self.feed(html)
        self.close()
        self._end_block()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCK_TAGS:
            self._end_block()
        self.unseen += tag in UNSEEN_TAGS
        self.code += tag == "pre"
        self.inside |= tag in HEADING_TAGS
        if tag in self.named and not self.unseen and not self.named[tag]:
            self.open = tag
        self._void_tag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCK_TAGS:
            self._end_block()
        self._void_tag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCK_TAGS:
            self._end_block()
        self.unseen = max(0, self.unseen - (tag in UNSEEN_TAGS))
        self.code = max(0, self.code - (tag == "pre"))
        self.inside &= tag not in HEADING_TAGS
        self.open = None if tag == self.open else self.open

    def handle_data(self, data: str) -> None:
        if self.unseen:
            return
        if self.open:
            self.named[self.open].append(data)
        if self.open != "title":
            self.pieces.append(data)

    def _void_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Handle a tag without content: a line break, the start of a cell, a picture's alt text."""
        if tag == "br":
            self._end_line()
        elif tag in CELL_TAGS:
            self.pieces.append(INLINE_SPACE)
        elif tag == "img":
            self.handle_data(INLINE_SPACE + (dict(attrs).get("alt") or "") + INLINE_SPACE)

    def _end_line(self) -> None:
        line, self.pieces = "".join(self.pieces), []
        self.lines.append(line.strip("\r\n").rstrip() if self.code else as_one_line(line))

    def _end_block(self) -> None:
        self._end_line()
        block, self.lines = "\n".join(self.lines).strip("\n"), []
        if block.strip():
            self.headed = self.headed if self.blocks else self.inside
            self.blocks.append(block)


def page_text(html: str) -> tuple[str | None, str]:
    """Return the title of a page (from its head, or its first h1) and its text.

    An empty line separates two blocks, like paragraphs: no sentence continues over it.
    """
    page = _Page(html)
    names = (as_one_line("".join(page.named[tag])) for tag in ("title", "h1"))
    return next(filter(None, names), None), "\n\n".join(page.blocks)


def headed_text(html: str) -> tuple[str | None, str]:
    """Return the heading at a page's start, None without one, and the text after it."""
    page = _Page(html)
    heading = as_one_line(page.blocks.pop(0)) if page.headed else None
    return heading, "\n\n".join(page.blocks)
