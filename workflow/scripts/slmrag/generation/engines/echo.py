"""The echo engine: no model, for tests and for measuring everything but the model."""

import itertools
import time
from collections.abc import Iterator
from typing import Self

from slmrag.generation.answer_extraction import cut_at_stop
from slmrag.generation.engines import base, quantization

BATCH_SIZE = 64


class Engine(base.Engine):
    """Answers each prompt with the last ``max_tokens`` words of its question line.

    Options: ``delay`` seconds an answer, ``answer`` (always this text).
    """

    TOKENS = False
    SPEED_OPTIONS = frozenset({"delay"})

    def __enter__(self) -> Self:
        """Refuse what an engine without weights cannot do."""
        quantization.refuse_quantization(self.config.entry, "echo")
        return self

    @staticmethod
    def version() -> str:
        """Return the engine's name; it has no library."""
        return "echo 1"

    def answers(self, requests: Iterator[base.Request]) -> base.Answers:
        """Answer a few requests at a time, one where there is a delay."""
        options = self.config.options
        delay = options.get("delay", 0.0)
        while batch := list(itertools.islice(requests, 1 if delay else BATCH_SIZE)):
            began = time.monotonic()
            if delay:
                time.sleep(delay)
            made = [self._answer(request, options.get("answer")) for request in batch]
            ended = time.monotonic()
            seconds = ended - began
            yield [base.Completion(*one, seconds, seconds, ended) for one in made]

    def _answer(self, request: base.Request, answer: str | None) -> tuple[str, str, int, int, str]:
        limit = self.config.sampling.max_tokens
        words = (answer or _question_of(request.text)).split()
        text, stopped = cut_at_stop(" ".join(words[:limit]), self.config.sampling.stop)
        reason = "stop" if stopped or len(words) <= limit else "length"
        tokens = len(request.text.split())
        return request.digest, text, tokens, len(text.split()), reason


def _question_of(prompt: str) -> str:
    """Return what follows the last ``Question:``, to the end of its line."""
    return prompt.rpartition("Question:")[2].strip().partition("\n")[0]
