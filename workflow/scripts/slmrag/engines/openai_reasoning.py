"""What a server tells apart as reasoning, put before its answer as a model writes it."""

from typing import Any

FIELDS = ("reasoning_content", "reasoning")
BEGIN, END = "<think>\n", "\n</think>\n\n"


class Channels:
    """One stream's two channels as one text, so that no word of either is lost."""

    def __init__(self) -> None:
        self._open = False

    def text(self, choice: Any) -> str:
        """Return what a chunk's choice adds: reasoning within think tags, answers as they are."""
        delta = getattr(choice, "delta", None)
        said = next(filter(None, (getattr(delta, name, None) for name in FIELDS)), None)
        thought = said.replace("think>", "think >") if isinstance(said, str) else ""
        if thought and not self._open:
            self._open, thought = True, BEGIN + thought
        answer = getattr(delta, "content", None) or getattr(choice, "text", None) or ""
        if answer and self._open:
            self._open, answer = False, END + answer
        return thought + answer
