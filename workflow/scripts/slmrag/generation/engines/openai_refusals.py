"""Refused prompts that are held back until the server has answered another prompt.

Until then the request itself may be the reason, not its prompt.
"""

from collections.abc import Sequence

from slmrag.errors import UserError
from slmrag.generation.engines.base import Completion, Outcome, Refusal

MAX_HELD_REFUSALS = 16


class HeldRefusals:
    """The refusals that are held back."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._held: list[tuple[Refusal, str | None]] = []
        self._answered = False

    def release(self, made: Sequence[tuple[Outcome, str | None]]) -> list[Outcome]:
        """Return the outcomes that are certain by now; each comes with what its refusal is about.

        UserError where the server refused ``MAX_HELD_REFUSALS`` prompts and answered none.
        """
        self._answered |= any(isinstance(one, Completion) for one, _ in made)
        sure: list[Outcome] = [
            one for one, about in made if isinstance(one, Completion) or about == "content"
        ]
        self._held += [
            (one, about) for one, about in made if isinstance(one, Refusal) and about != "content"
        ]
        if self._answered:
            sure += [one for one, _ in self._held]
            self._held = []
        if len(self._held) >= MAX_HELD_REFUSALS:
            raise self._error()
        return sure

    def release_all(self) -> list[Outcome]:
        """Return what is held at the end of all prompts; UserError if one has no known reason."""
        if any(about is None for _, about in self._held):
            raise self._error()
        return [one for one, _ in self._held]

    def _error(self) -> UserError:
        first, count = self._held[0][0], len(self._held)
        return UserError(
            f"{self._endpoint} answers {first.code}: it refuses ({first.reason}) each prompt that "
            f"it was asked, {count}, so the request itself must be the reason; change what "
            "the server names"
        )
