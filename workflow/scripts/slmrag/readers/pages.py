"""HTML as text: what a reader sees, block by block, without tags, scripts and styles."""

import re
from html.parser import HTMLParser

BLOCKS = frozenset(
    re.findall(
        r"\w+",
        """address article aside blockquote body br caption center dd details dialog div dl dt
        fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main
        menu nav ol option p pre section select summary table tbody tfoot thead title tr ul""",
    )
)
"""Elements that begin and end a line."""
INLINE = frozenset(
    re.findall(
        r"\w+",
        """a abbr audio b bdi bdo big button cite code col colgroup data del dfn em font i iframe
        img input ins kbd label link mark meta noscript picture q s samp script small source span
        strike strong style sub sup svg td template th time tt u var video wbr""",
    )
)
CELLS = frozenset({"td", "th"})
UNSEEN = frozenset({"script", "style", "template", "noscript", "svg", "iframe", "object"})
TAG = r"</?(?:" + "|".join(sorted(BLOCKS | INLINE)) + r")(?:\s[^<>]*)?/?>"
IN_MARKDOWN = re.compile(
    rf"(?P<code>^ *(?P<fence>```+|~~~+).*?(?:^ *(?P=fence)|\Z)|(?P<tick>`+)[^`].*?(?P=tick))"
    rf"|<!--.*?-->|{TAG}",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)


class _Page(HTMLParser):
    """Gathers the text of a page by lines, and its title's and first heading's apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.named: dict[str, list[str]] = {"title": [], "h1": []}
        self.open: str | None = None
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in UNSEEN
        if tag in self.named and not self.unseen and not self.named[tag]:
            self.open = tag
        self.parts.append("\n" if tag in BLOCKS else " " if tag in CELLS else "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append("\n" if tag in BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self.unseen = max(0, self.unseen - (tag in UNSEEN))
        self.open = None if tag == self.open else self.open
        self.parts.append("\n" if tag in BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if self.unseen:
            return
        if self.open:
            self.named[self.open].append(data)
        if self.open != "title":
            self.parts.append(re.sub(r"\s+", " ", data))


def page_text(html: str) -> tuple[str | None, str]:
    """Return the title of a page (that of its head, or its first heading) and its text."""
    page = _Page()
    page.feed(html)
    page.close()
    lines = (" ".join(line.split()) for line in "".join(page.parts).split("\n"))
    names = (" ".join("".join(page.named[tag]).split()) for tag in ("title", "h1"))
    return next(filter(None, names), None), "\n".join(filter(None, lines))


def without_tags(markdown: str) -> str:
    """Return Markdown without HTML tags and comments, but for those in code."""
    if "<" not in markdown:
        return markdown
    return IN_MARKDOWN.sub(lambda found: found["code"] or "", markdown)
