"""The part of one answer that has arrived from an endpoint, and the proof that it is complete.

The proof is the server's own finish reason: the end of a stream proves nothing.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from slmrag.generation.engines.openai_errors import (
    IncompleteAnswer,
    RefusedPrompt,
    ServerError,
    one_line,
)

# The protocol says stop and length; the others are what TGI, Mistral, Cohere and gateways to
# Anthropic and Gemini say for the same.
FINISH_REASONS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "stop_sequence", "end_turn", "complete"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
}
REFUSAL_REASONS = {
    *("content_filter", "content_filtered", "safety", "recitation", "refusal", "sensitive"),
    *("blocklist", "prohibited_content", "spii", "tool_calls", "function_call", "tool_use"),
}
COUNTED_TOKENS = ("prompt", "completion")
REASONING_FIELDS = ("reasoning_content", "reasoning")
"""Where a server sends reasoning; it is put before the answer, as a model writes it."""
THINK_OPEN, THINK_CLOSE = "<think>\n", "\n</think>\n\n"
PLACES_OF_TEXT = {"delta", "message", "text"}


class PartialAnswer:
    """The text so far; ``finish_reason`` is stop or length once the answer is complete."""

    def __init__(self, chat: bool) -> None:
        self._chat = chat
        self._pieces: list[str] = []
        self._joiner = ReasoningJoiner()
        self._refusal = ""
        self._usage: dict[str, Any] = {}
        self.finish_reason: str | None = None
        self.first_token_time: float | None = None
        self.models: set[str] = set()
        self.fingerprints: set[str] = set()

    @property
    def text(self) -> str:
        """Return the text so far; the two halves of a split character are joined."""
        joined = "".join(self._pieces)
        return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """Return the tokens of prompt and answer, None where the server does not say."""
        read, written = (_token_count(self._usage.get(f"{name}_tokens")) for name in COUNTED_TOKENS)
        return read or None, written or (None if self.text else written)

    def add_chunk(self, chunk: Any, part: str = "delta") -> None:
        """Add a chunk; ``part`` is where a choice of a chat has its text.

        IncompleteAnswer for what is no chunk, ServerError for an error in it, RefusedPrompt where
        the server ended the answer.
        """
        if not isinstance(chunk, dict):
            raise IncompleteAnswer(
                f"sends something that is not a chunk of an answer ({one_line(json.dumps(chunk))})"
            )
        if chunk.get("error") or chunk.get("object") == "error":
            raise ServerError(chunk.get("error") or chunk)
        self._note_names(chunk)
        for choice in _choices(chunk):
            if choice.get("index") in (0, None):
                self._add_choice(choice, part if self._chat else "text")
        if self.finish_reason and isinstance(chunk.get("usage"), dict):
            self._usage |= {k: v for k, v in chunk["usage"].items() if v is not None}

    def _note_names(self, chunk: dict[str, Any]) -> None:
        named = {"model": self.models, "system_fingerprint": self.fingerprints}
        for name, found in named.items():
            if isinstance(chunk.get(name), str) and chunk[name]:
                found.add(chunk[name])

    def _add_choice(self, choice: dict[str, Any], place: str) -> None:
        if any(choice.get(other) for other in PLACES_OF_TEXT - {place}):
            raise IncompleteAnswer(
                f"sends its text in another field than {place}, as another protocol does"
            )
        held = choice if place == "text" else choice.get(place) or {}
        if not isinstance(held, dict):
            raise IncompleteAnswer(
                f"sends a {place} that is not an object ({one_line(json.dumps(held))})"
            )
        content = content_text(held.get("text" if place == "text" else "content"))
        self._add_text(self._joiner.join(held, content))
        if isinstance(held.get("refusal"), str):
            self._refusal += held["refusal"]
        if choice.get("finish_reason"):
            self._finish(choice["finish_reason"])

    def _add_text(self, text: str) -> None:
        if text and self.finish_reason:
            raise IncompleteAnswer("goes on after the end of an answer")
        if text and self.first_token_time is None:
            self.first_token_time = time.monotonic()
        self._pieces.append(text)

    def _finish(self, reason: Any) -> None:
        known = str(reason).lower()
        if known in REFUSAL_REASONS:
            raise RefusedPrompt(known, self._refusal or f"the server ended the answer with {known}")
        if self._refusal and not self.text:
            raise RefusedPrompt("refusal", self._refusal)
        if known not in FINISH_REASONS or self.finish_reason not in (None, FINISH_REASONS[known]):
            raise IncompleteAnswer(
                f"ends an answer with finish_reason {one_line(json.dumps(reason))}"
            )
        self.finish_reason = FINISH_REASONS[known]


def _choices(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    found = chunk.get("choices") or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise IncompleteAnswer(
            f"sends choices that are not a list of objects ({one_line(json.dumps(found))})"
        )
    return found


def content_text(content: Any) -> str:
    """Return the text of a content: a text, null, or Mistral's list of parts without thinking."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(one, dict) for one in content):
        return "".join(
            content_text(one.get("text")) for one in content if one.get("type") == "text"
        )
    raise IncompleteAnswer(f"sends a content that is not text ({one_line(json.dumps(content))})")


def _token_count(value: Any) -> int | None:
    """Return a value as a number of tokens, None where it is not one."""
    return value if type(value) is int and 0 <= value < 1 << 31 else None


class ReasoningJoiner:
    """Joins the reasoning and the answer of one stream into one text; no word of either is lost."""

    def __init__(self) -> None:
        self._is_open = False

    def join(self, held: Mapping[str, Any], answer: str) -> str:
        """Return what a delta adds: its reasoning in think tags, then its answer as it is."""
        reasoning = next(filter(None, (held.get(name) for name in REASONING_FIELDS)), None)
        thought = reasoning.replace("think>", "think >") if isinstance(reasoning, str) else ""
        if thought and not self._is_open:
            self._is_open, thought = True, THINK_OPEN + thought
        if answer and self._is_open:
            self._is_open, answer = False, THINK_CLOSE + answer
        return thought + answer
