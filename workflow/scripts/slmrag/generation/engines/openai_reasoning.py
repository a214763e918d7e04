"""What a server tells apart as reasoning, put before its answer as a model writes it."""

from collections.abc import Mapping
from typing import Any

REASONING_FIELDS = ("reasoning_content", "reasoning")
BEGIN, END = "<think>\n", "\n</think>\n\n"


class Channels:
    """One stream's two channels as one text, so that no word of either is lost."""

    def __init__(self) -> None:
        self._open = False

    def text(self, held: Mapping[str, Any], answer: str) -> str:
        """Return what a delta adds: reasoning within think tags, the words of its answer as is."""
        said = next(filter(None, (held.get(name) for name in REASONING_FIELDS)), None)
        thought = said.replace("think>", "think >") if isinstance(said, str) else ""
        if thought and not self._open:
            self._open, thought = True, BEGIN + thought
        if answer and self._open:
            self._open, answer = False, END + answer
        return thought + answer
