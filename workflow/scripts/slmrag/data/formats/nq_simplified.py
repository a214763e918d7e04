"""Google's Natural Questions, simplified or original: short answers, with the long answer as gold.

As in NQ-open, an answer has at most five words; questions without one are dropped by default.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path

from slmrag.data.reading.fields import Record, field, objects, optional_text
from slmrag.data.reading.json_records import json_lines
from slmrag.data.schemas import Question, passage
from slmrag.errors import UserError

MAX_ANSWER_WORDS = 5
"""NQ-open keeps short answers of at most five tokens (Lee et al., ACL 2019)."""


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; gold texts, of those with a short answer, have no markup."""
    for line, record in json_lines(path):
        tokens = _tokens(record, path, line)
        annotations = objects(record, "annotations", path, line)
        answers = [
            answer
            for note in annotations
            for span in objects(note, "short_answers", path, line, optional=True)
            if 0
            < len((answer := _text(_span(span, path, line), tokens)).split())
            <= MAX_ANSWER_WORDS
        ]
        yield Question(
            question=field(record, "question_text", str, path, line),
            answers=answers,
            line=line,
            question_id=optional_text(record, "example_id", path, line),
            gold=_gold(record, tokens, _long_answers(annotations, path, line), path, line)
            if answers
            else [],
        )


def _tokens(record: Record, path: Path, line: int) -> list[str]:
    """Return the document's words; markup becomes empty words, so that offsets stay right."""
    if "document_tokens" in record:
        tokens = objects(record, "document_tokens", path, line)
        texts = ["" if token.get("html_token") else token.get("token") for token in tokens]
        words = [word for word in texts if isinstance(word, str)]
        if len(words) < len(texts):
            raise UserError(f"{path}, line {line}: a token is no text; correct it")
        return words
    words = field(record, "document_text", str, path, line).split(" ")
    return ["" if word.startswith("<") and word.endswith(">") else word for word in words]


def _span(span: Record, path: Path, line: int) -> tuple[int, int]:
    """Return ``[start, end)`` of an answer; (-1, -1) if there is none."""
    return field(span, "start_token", int, path, line), field(span, "end_token", int, path, line)


def _text(span: tuple[int, int], tokens: Sequence[str]) -> str:
    return unescape(" ".join(word for word in tokens[slice(*span)] if word))


def _long_answers(annotations: Sequence[Record], path: Path, line: int) -> set[tuple[int, int]]:
    """Return the long answers of annotations with a short answer."""
    return {
        _span(field(note, "long_answer", dict, path, line), path, line)
        for note in annotations
        if note.get("short_answers") and note.get("long_answer")
    }


def _gold(
    record: Record, tokens: Sequence[str], spans: set[tuple[int, int]], path: Path, line: int
) -> list[dict[str, str]]:
    id, title = (optional_text(record, key, path, line) for key in ("example_id", "document_title"))
    return [
        passage(f"{id}#{span[0]}", title, text)
        for span in sorted(spans)
        if (text := _text(span, tokens))
    ]
