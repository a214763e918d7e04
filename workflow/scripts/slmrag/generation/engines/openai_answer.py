"""What an endpoint has said of one answer so far, and the proof that it is whole.

The proof is a finish reason of the server's own: that a stream ended proves nothing.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from slmrag.generation.engines.openai_errors import Broken, Refused, Told, one_line

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
"""Where a server tells reasoning apart; it is put before the answer, as a model writes it."""
THINK, THINK_END = "<think>\n", "\n</think>\n\n"
PLACES_OF_WORDS = {"delta", "message", "text"}


class Reading:
    """The words so far; ``finish`` is stop or length once the answer proved to be whole."""

    def __init__(self, chat: bool) -> None:
        self._chat = chat
        self._pieces: list[str] = []
        self._channels = Channels()
        self._refusal = ""
        self._usage: dict[str, Any] = {}
        self.finish: str | None = None
        self.first: float | None = None
        self.models: set[str] = set()
        self.fingerprints: set[str] = set()

    @property
    def text(self) -> str:
        """Return the words so far; halves of a character that came apart are put together."""
        joined = "".join(self._pieces)
        return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """Return the tokens of prompt and answer, None where the server does not say."""
        read, written = (_count(self._usage.get(f"{name}_tokens")) for name in COUNTED_TOKENS)
        return read or None, written or (None if self.text else written)

    def take(self, chunk: Any, part: str = "delta") -> None:
        """Take a chunk; ``part`` is where a choice of a chat has its words.

        Broken for what is no chunk, Told for an error, Refused where the server ended the answer.
        """
        if not isinstance(chunk, dict):
            raise Broken(f"sends what is no chunk of an answer ({one_line(json.dumps(chunk))})")
        if chunk.get("error") or chunk.get("object") == "error":
            raise Told(chunk.get("error") or chunk)
        self._note(chunk)
        for choice in _choices(chunk):
            if choice.get("index") in (0, None):
                self._choose(choice, part if self._chat else "text")
        if self.finish and isinstance(chunk.get("usage"), dict):
            self._usage |= {k: v for k, v in chunk["usage"].items() if v is not None}

    def _note(self, chunk: dict[str, Any]) -> None:
        named = {"model": self.models, "system_fingerprint": self.fingerprints}
        for name, found in named.items():
            if isinstance(chunk.get(name), str) and chunk[name]:
                found.add(chunk[name])

    def _choose(self, choice: dict[str, Any], place: str) -> None:
        if any(choice.get(other) for other in PLACES_OF_WORDS - {place}):
            raise Broken(f"sends its words elsewhere than in {place}, as another protocol does")
        held = choice if place == "text" else choice.get(place) or {}
        if not isinstance(held, dict):
            raise Broken(f"sends a {place} that is none ({one_line(json.dumps(held))})")
        said = words(held.get("text" if place == "text" else "content"))
        self._add(self._channels.text(held, said))
        if isinstance(held.get("refusal"), str):
            self._refusal += held["refusal"]
        if choice.get("finish_reason"):
            self._end(choice["finish_reason"])

    def _add(self, text: str) -> None:
        if text and self.finish:
            raise Broken("goes on after the end of an answer")
        if text and self.first is None:
            self.first = time.monotonic()
        self._pieces.append(text)

    def _end(self, reason: Any) -> None:
        known = str(reason).lower()
        if known in REFUSAL_REASONS:
            raise Refused(known, self._refusal or f"the server ended the answer with {known}")
        if self._refusal and not self.text:
            raise Refused("refusal", self._refusal)
        if known not in FINISH_REASONS or self.finish not in (None, FINISH_REASONS[known]):
            raise Broken(f"ends an answer with finish_reason {one_line(json.dumps(reason))}")
        self.finish = FINISH_REASONS[known]


def _choices(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    found = chunk.get("choices") or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Broken(f"sends choices that are none ({one_line(json.dumps(found))})")
    return found


def words(content: Any) -> str:
    """Return the words of a content: a text, null, or Mistral's list of parts without thinking."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(one, dict) for one in content):
        return "".join(words(one.get("text")) for one in content if one.get("type") == "text")
    raise Broken(f"sends words that are no text ({one_line(json.dumps(content))})")


def _count(value: Any) -> int | None:
    """Return a number of tokens, or None for what is none."""
    return value if type(value) is int and 0 <= value < 1 << 31 else None


class Channels:
    """One stream's two channels as one text, so that no word of either is lost."""

    def __init__(self) -> None:
        self._open = False

    def text(self, held: Mapping[str, Any], answer: str) -> str:
        """Return what a delta adds: reasoning within think tags, the words of its answer as is."""
        said = next(filter(None, (held.get(name) for name in REASONING_FIELDS)), None)
        thought = said.replace("think>", "think >") if isinstance(said, str) else ""
        if thought and not self._open:
            self._open, thought = True, THINK + thought
        if answer and self._open:
            self._open, answer = False, THINK_END + answer
        return thought + answer
