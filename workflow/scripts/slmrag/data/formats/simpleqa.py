"""SimpleQA's CSV: ``metadata``, ``problem`` and ``answer``, without passages."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from slmrag.data.reading.delimited import rows_of
from slmrag.data.reading.dialect import Dialect
from slmrag.data.reading.fields import field
from slmrag.data.schemas import Question


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; they have neither ids nor gold passages."""
    for line, row in rows_of(path, Dialect()):
        question = field(row, "problem", str, path, line)
        yield Question(question, [field(row, "answer", str, path, line)], line)
