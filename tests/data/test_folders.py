"""A folder of documents of all kinds, prepared as a corpus."""

from tests.data.made_pdf import made_pdf
from tests.data.test_formats import prepare_passages

FILES = {
    "page.html": b"<html><head><title>A page</title></head><p>Seen.<script>no</script></p>",
    "shell.html": b"<html><div id=root></div><script>app()</script></html>",
    "sub/paper.pdf": made_pdf([(50, ["A paper."])], title="On papers"),
    "sub/scan.pdf": made_pdf(None),
    "letter.docx": b"PK\x03\x04" + bytes(30),
    "plain.txt": b"Plain **text** stays.\r\nSo do lines.",
    "empty.txt": b" \n",
    "only.md": b"<!-- nothing -->",
}


def test_a_folder_of_all_kinds(tmp_path, caplog):
    """Each kind becomes its text; what has none is left out, told and counted."""
    for name, data in FILES.items():
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / name).write_bytes(data)
    rows, audit = prepare_passages(
        tmp_path, "notes.md", "# Notes\n\n*See* [us](x.html).", {"format": "text"}
    )
    assert {row["title"]: row["text"] for row in rows} == {
        "Notes": "See us.",
        "A page": "Seen.",
        "plain": "Plain **text** stays.\nSo do lines.",
        "On papers": "A paper.",
    }
    assert audit["files_left_out"] == {".docx": 1} | {
        f"{suffix} (no text)": 1 for suffix in (".html", ".md", ".pdf", ".txt")
    }
    assert "shell.html: is a file without text: left out" in caplog.text
