"""DPR's nq-test.qa.csv: question, tab, a Python list of answers; no header."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.data.reading.delimited import records_of
from slmrag.data.reading.dialect import dialect_of_keys
from slmrag.data.schemas import Question
from slmrag.errors import UserError


def questions(path: Path, columns: Mapping[str, str], **keys: Any) -> Iterator[Question]:
    """Yield the questions; they have neither ids nor gold passages."""
    for line, values in records_of(path, dialect_of_keys("\t", **keys)):
        if len(values) != 2:
            raise UserError(
                f"{path}, line {line}: {len(values)} columns instead of 2 (question, answers); "
                "correct the line"
            )
        yield Question(values[0], _answers(values[1], path, line), line)


def _answers(text: str, path: Path, line: int) -> list[str]:
    try:
        answers = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        answers = None
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise UserError(
            f"{path}, line {line}: the answers are no list of texts; write ['one', 'two']"
        )
    return answers
