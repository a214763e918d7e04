"""Google's Natural Questions, simplified or original: short answers, and their long answer as gold.

As in NQ-open, an answer has at most five words, and questions without one are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

from slmrag.readers.records import Record, as_text, field, json_lines
from slmrag.readers.shapes import Question, passage

MOST_WORDS = 5


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions that have a short answer; the gold text has no markup."""
    for line, record in json_lines(path):
        tokens = _tokens(record, path, line)
        annotations = field(record, "annotations", list, path, line)
        answers = [a for note in annotations for a in _answers(note, tokens)]
        if answers:
            yield Question(
                question=field(record, "question_text", str, path, line),
                answers=list(dict.fromkeys(answers)),
                line=line,
                question_id=as_text(record.get("example_id")),
                gold=_gold(record, annotations, tokens),
            )


def _tokens(record: Record, path: Path, line: int) -> list[str]:
    """Return the document's words, markup as empty ones, so that offsets hold."""
    if "document_tokens" in record:
        tokens = field(record, "document_tokens", list, path, line)
        return ["" if token["html_token"] else token["token"] for token in tokens]
    words = field(record, "document_text", str, path, line).split(" ")
    return ["" if word.startswith("<") and word.endswith(">") else word for word in words]


def _answers(annotation: Mapping[str, Any], tokens: Sequence[str]) -> Iterator[str]:
    for span in annotation.get("short_answers") or []:
        text = _text(span, tokens)
        if 0 < len(text.split()) <= MOST_WORDS:
            yield text


def _text(span: Mapping[str, Any], tokens: Sequence[str]) -> str:
    words = tokens[span["start_token"] : span["end_token"]]
    return unescape(" ".join(word for word in words if word))


def _gold(
    record: Record, annotations: Sequence[Mapping[str, Any]], tokens: Sequence[str]
) -> list[dict[str, str]]:
    """Return the long answers of those who gave a short one."""
    spans = {
        (span["start_token"], span["end_token"])
        for note in annotations
        if note.get("short_answers") and (span := note.get("long_answer") or {})
    }
    id, title = as_text(record.get("example_id")), as_text(record.get("document_title"))
    return [
        passage(f"{id}#{start}", title, text)
        for start, end in sorted(spans)
        if (text := _text({"start_token": start, "end_token": end}, tokens))
    ]
