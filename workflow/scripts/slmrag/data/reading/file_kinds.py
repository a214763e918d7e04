"""The kind of a file by its first bytes: is it data, or something else in its place?"""

import re
from pathlib import Path

from slmrag.data.reading.compression import COMPRESSIONS, archive_of, chunks_of
from slmrag.errors import UserError

HEAD_BYTES = 2048
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
HTML_PAGE = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html[\s>])", re.I | re.S
)
XML = re.compile(rb"\s*<(\?xml\s|Error>)")
BINARY_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\xd0\xcf\x11\xe0", b"{\\rtf")
"""First bytes of PNG, JPEG, GIF, of the Office files before 2007, and of RTF."""
HTML_SUFFIXES = {".html", ".htm", ".xhtml"}
MARKDOWN_SUFFIXES = {".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd"}
DOCUMENT_SUFFIXES = {"", ".txt", ".text", ".rst", ".pdf"} | HTML_SUFFIXES | MARKDOWN_SUFFIXES
"""Suffixes of documents: a Git LFS pointer with one is an error."""
OTHER_KINDS = {
    b"PAR1": ("parquet", "Parquet; set format: parquet"),
    b"ARROW1": ("", "an Arrow file; write it as Parquet"),
    b"SQLite format 3": ("", "an SQLite database; export it as JSONL or CSV"),
    b"%PDF": ("", "a PDF, not data; give a file of the entry's format"),
    b"\xd0\xcf\x11\xe0": ("", "an old office file; export it as CSV, or as text, and give that"),
}
"""By first bytes: (the format that reads such files, what they are and what to do)."""
BOM = b"\xef\xbb\xbf"


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, decompressed; UserError if that fails."""
    return next(chunks_of(path, HEAD_BYTES), b"").removeprefix(BOM)


def is_page(head: bytes) -> bool:
    """Tell whether a file with these first bytes is an HTML page."""
    return HTML_PAGE.match(head) is not None


def is_pdf(head: bytes) -> bool:
    """Tell whether a file with these first bytes is a PDF."""
    return head[:HEAD_BYTES].removeprefix(BOM).lstrip().startswith(b"%PDF-")


def refuse_stand_in(path: Path, format: str = "") -> None:
    """Raise UserError for a Git LFS pointer, an HTML page, XML, or another known format."""
    head = head_of(path)
    for mark, (own, advice) in OTHER_KINDS.items():
        if head.startswith(mark) and format != own:
            raise UserError(f"{path}: is {advice}")
    if head.startswith(LFS_POINTER):
        raise lfs_pointer_error(path)
    if is_page(head):
        raise UserError(
            f"{path}: is an HTML page, not data; give the address of the file itself (on the hub "
            "/resolve/, not /blob/), and check whether it asks for a login"
        )
    if XML.match(head):
        raise UserError(
            f"{path}: is XML, not data (a server's error, perhaps); look into it, and give the "
            "address of the file itself"
        )


def lfs_pointer_error(path: Path) -> UserError:
    """Return the error for a Git LFS pointer."""
    return UserError(
        f"{path}: is a Git LFS pointer, not the file itself; run git lfs pull in its repository, "
        "or give the address that the file is downloaded from"
    )


def is_document(path: Path) -> bool:
    """Tell whether a file is text or a PDF.

    UTF-16 and truncated compressed files count, so that a reader refuses them by name.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    packed = any(head.startswith(magic) for magic, _ in COMPRESSIONS.values())
    if archive_of(path, head) or (path.suffix in COMPRESSIONS and not packed):
        return False
    head = head_of(path) if packed else head
    if head.startswith(LFS_POINTER):
        if path.suffix.lower() in DOCUMENT_SUFFIXES:
            raise lfs_pointer_error(path)
        return False
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return utf16 or is_pdf(head) or (b"\0" not in head[:512] and not head.startswith(BINARY_STARTS))
