"""Small PDFs, written by hand; readers rebuild the table of places that they leave out."""

FONTS = """/F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>
/F2 << /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H
/DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light
/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >>
/FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 >> >>] >>"""
PICTURE = "q 200 0 0 200 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x7f EI Q"
LOCK = "/Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O <{0}> /U <{0}> >> /ID [<00> <00>]"


def made_pdf(*pages, title=None, locked=False):
    """Return a PDF of pages, each a list of (x, lines of text), or None for a picture alone."""
    kids = " ".join(f"{10 + 2 * n} 0 R" for n in range(len(pages)))
    parts = [
        "%PDF-1.4",
        "1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj",
        f"2 0 obj << /Type /Pages /Count {len(pages)} /Kids [{kids}] >> endobj",
        f"3 0 obj << /Font << {FONTS} >> >> endobj",
        f"4 0 obj << /Title <{(title or '').encode('utf-16').hex()}> >> endobj",
    ]
    for n, page in enumerate(pages):
        drawn = PICTURE if page is None else "\n".join(_column(x, lines) for x, lines in page)
        parts.append(
            f"{10 + 2 * n} 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] "
            f"/Resources 3 0 R /Contents {11 + 2 * n} 0 R >> endobj\n{11 + 2 * n} 0 obj "
            f"<< /Length {len(drawn)} >> stream\n{drawn}\nendstream endobj"
        )
    lock = LOCK.format("00" * 32) if locked else ""
    parts.append(f"trailer << /Root 1 0 R /Info 4 0 R {lock} >>\n%%EOF\n")
    return "\n".join(parts).encode("latin-1")


def _column(x, lines):
    """Return the drawing of lines, one below the other; those that are no Latin in Chinese."""
    shown = (
        f"/F1 12 Tf ({line}) Tj" if line.isascii() else f"/F2 12 Tf <{_wide(line)}> Tj"
        for line in lines
    )
    return f"BT {x} 700 Td 14 TL {' T* '.join(shown)} ET"


def _wide(line):
    return line.encode("utf-16-be").hex()
