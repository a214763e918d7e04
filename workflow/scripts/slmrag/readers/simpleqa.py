"""SimpleQA's CSV: ``metadata``, ``problem`` and ``answer``, without passages."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from slmrag.readers.delimited import rows_of
from slmrag.readers.fields import field
from slmrag.readers.layout import Layout
from slmrag.readers.shapes import Question


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; they have neither ids nor gold passages."""
    for line, row in rows_of(path, Layout()):
        question = field(row, "problem", str, path, line)
        yield Question(question, [field(row, "answer", str, path, line)], line)
