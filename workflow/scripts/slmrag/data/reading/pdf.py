"""PDFs as text, page by page, in the order of the file."""

import logging
import re
from pathlib import Path
from typing import Any

from slmrag.data.reading.wrapped_lines import join_wrapped
from slmrag.errors import UserError

log = logging.getLogger(__name__)

HYPHEN = re.compile(r"([^\s\ufffe]{0,40})\ufffe(?=(\S?))")
"""A hyphen at a line's end, as PDFium marks it: the text before it, and the sign after it."""
NO_LETTERS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd-\uffff\ue000-\uf8ff]")
"""Control signs, and code points without a meaning outside the PDF's font."""
ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc]")
NO_TITLE = re.compile(
    r"[\W\d_]*|\W*(untitled|anonymous|no title|dokument|document|slide|presentation)\W?\d*\W*"
    r"|microsoft (word|powerpoint|excel)\b.*|powerpoint presentation"
    r"|.*\.(docx?|rtf|odt|pdf|tex|dvi|e?ps|indd|qx[dp]|pptx?|xlsx?|txt|md|html?|pub|pages|wpd|fm)",
    re.IGNORECASE | re.DOTALL,
)
"""Titles that programs make up: signs, words of their own, a file's name."""


class UnreadableFile(Exception):
    """A file without readable text; the arguments are a word for the audit and a sentence."""


LOCKED = ("password", "a PDF that asks for a password; save it without one")
BROKEN = ("broken", "a damaged or truncated PDF; download or make it again")
PICTURES = ("no text", "a PDF without readable letters, perhaps a scan; recognize its text first")


def pdf_text(data: bytes, path: Path) -> tuple[str | None, str]:
    """Return a PDF's title, None if its metadata has no real one, and its text.

    An empty line separates two pages. Raises UnreadableFile if there is no text, UserError if the
    library is missing.
    """
    library = _library(path)
    try:
        with library.PdfDocument(data) as pdf:
            pages = [_page(page, library) for page in pdf]
            title = _title(pdf)
    except library.PdfiumError as error:
        locked = {library.raw.FPDF_ERR_PASSWORD, library.raw.FPDF_ERR_SECURITY}
        raise UnreadableFile(*(LOCKED if error.err_code in locked else BROKEN)) from None
    raw = "\n\n".join(text for text, _ in pages if text)
    text = NO_LETTERS.sub("", raw).strip()
    if 2 * len(text) <= len(raw):
        raise UnreadableFile(*PICTURES)
    _warn_of_lost_text(text, sum(pictured for _, pictured in pages), len(pages), path)
    return title, text


def _library(path: Path) -> Any:
    try:
        import pypdfium2
    except ImportError:
        raise UserError(
            f"{path}: PDFs are read by the package pypdfium2, which is missing here; install it in "
            "the version that envs/data.yaml has"
        ) from None
    return pypdfium2


def _page(page: Any, library: Any) -> tuple[str, bool]:
    """Return the text of a page, and whether it has pictures instead of text."""
    text = page_lines(page.get_textpage().get_text_range())
    pictures = () if text else page.get_objects([library.raw.FPDF_PAGEOBJ_IMAGE])
    found = text, any(True for _ in pictures)
    page.close()
    return found


def page_lines(text: str) -> str:
    """Return a page's lines, with words joined that were divided at a line's end."""
    text = HYPHEN.sub(_hyphen, join_wrapped(text.replace("\r\n", "\n"))).replace("\xad", "")
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(filter(None, lines))


def _hyphen(found: re.Match[str]) -> str:
    """Return the text before a hyphen, with the hyphen in compounds: state-of-the-art, COVID-19."""
    before, after = found[1], found[2]
    divided = before[-1:].islower() and after.islower() and "-" not in before
    return before if divided else f"{before}-"


def _title(pdf: Any) -> str | None:
    try:
        title = " ".join(NO_LETTERS.sub("", pdf.get_metadata_value("Title")).split())
    except UnicodeDecodeError:
        return None
    return None if NO_TITLE.fullmatch(title) else title


def _warn_of_lost_text(text: str, pictures: int, pages: int, path: Path) -> None:
    if pictures:
        log.warning(
            "%s: %d of %d pages are pictures without letters and give no text; recognize it first",
            *(path, pictures, pages),
        )
    if ARABIC.search(text):
        log.warning(
            "%s: the letters of Arabic in a PDF may come in the wrong order; look at the passages",
            path,
        )
