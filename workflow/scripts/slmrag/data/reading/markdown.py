"""Markdown as text: the visible text of the rendered page."""

import html
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from slmrag.data.reading.html import BLOCK_TAGS, UNSEEN_TAGS, headed_text
from slmrag.errors import UserError

FRONT_MATTER = re.compile(
    r"(---|\+\+\+)[ \t]*\n(?!\s*\n)(.*?)^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
"""Front matter (Jekyll, Hugo); pandoc's rule distinguishes it from a horizontal rule."""
FRONT_MATTER_PARSERS: dict[str, Callable[[str], Any]] = {
    "---": lambda block: yaml.load(block, yaml.BaseLoader),
    "+++": tomllib.loads,
}
FACT_LINE = re.compile(r"^([\w-]+)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
TAG = re.compile(r"</?([a-z][a-z0-9-]*)", re.IGNORECASE)
INLINE_TAGS = frozenset(
    re.findall(
        r"\w+",
        """a abbr audio b bdi bdo big br button cite code col colgroup data del dfn em font i img
        input ins kbd label link mark meta picture q s samp small source span strike strong sub sup
        td th time tt u var video wbr""",
    )
)
HTML_TAGS = (BLOCK_TAGS | INLINE_TAGS) - UNSEEN_TAGS - {"title"}
"""Tags inside a line; anything else is a word in angle brackets, such as <name>."""
MAX_NESTING = 100
"""Levels of lists and quotes; CommonMark's preset drops those below the twentieth."""


def markdown_text(markdown: str, path: Path) -> tuple[str | None, str]:
    """Return the title of a document, None without one, and its text.

    The title is that of the front matter or a heading at the start, which is then removed from the
    text. UserError if the library is missing.
    """
    facts, body = front_matter(markdown)
    heading, text = headed_text(_renderer(path)(body))
    title = facts.get("title")
    if not isinstance(title, str) or not title.strip():
        return heading, text
    title = " ".join(title.split())
    return title, text if heading in (None, title) else f"{heading}\n\n{text}".rstrip()


def front_matter(markdown: str) -> tuple[Mapping[str, Any], str]:
    """Return the front matter and the document; a horizontal rule is no front matter."""
    found = FRONT_MATTER.match(markdown)
    if found is None:
        return {}, markdown
    try:
        facts = FRONT_MATTER_PARSERS[found[1]](found[2])
    except (ValueError, yaml.YAMLError):
        facts = dict(FACT_LINE.findall(found[2])) if FACT_LINE.match(found[2]) else None
    return (facts, markdown[found.end() :]) if isinstance(facts, dict) else ({}, markdown)


def _renderer(path: Path) -> Callable[[str], str]:
    """Return a renderer of CommonMark with GitHub's tables and strikethrough."""
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise UserError(
            f"{path}: Markdown is read by the package markdown-it-py, which is missing here; "
            "install it in the version that envs/data.yaml has"
        ) from None
    library = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    library.enable(["table", "strikethrough"]).add_render_rule("html_inline", _html_inline)
    return library.render


def _html_inline(_: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    content = tokens[index].content
    tag = TAG.match(content)
    return content if tag is None or tag[1].lower() in HTML_TAGS else html.escape(content)
