"""Refusals that may be of the request and not of its prompt: held until the server answers one."""

from collections.abc import Sequence

from slmrag.errors import UserError
from slmrag.generation.engines.base import Completion, Finished, Refusal

MOST_REFUSALS_HELD = 16


class Doubts:
    """What is held back; ``place`` is the endpoint."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._held: list[tuple[Refusal, str | None]] = []
        self._answered = False

    def settled(self, made: Sequence[tuple[Finished, str | None]]) -> list[Finished]:
        """Return what of so many results is beyond doubt; each comes with what it is about.

        UserError where the server refused ``MOST_REFUSALS_HELD`` prompts and answered none.
        """
        self._answered |= any(isinstance(one, Completion) for one, _ in made)
        sure: list[Finished] = [
            one for one, about in made if isinstance(one, Completion) or about == "content"
        ]
        self._held += [
            (one, about) for one, about in made if isinstance(one, Refusal) and about != "content"
        ]
        if self._answered:
            sure += [one for one, _ in self._held]
            self._held = []
        if len(self._held) >= MOST_REFUSALS_HELD:
            raise self._error()
        return sure

    def rest(self) -> list[Finished]:
        """Return what is held at the end of all prompts; UserError where no reason was given."""
        if any(about is None for _, about in self._held):
            raise self._error()
        return [one for one, _ in self._held]

    def _error(self) -> UserError:
        first = self._held[0][0]
        return UserError(
            f"{self._place} answers {first.code}: it refuses ({first.reason}) each prompt that it "
            f"was asked, {len(self._held)}, so the request itself must be why; change what the "
            "server names"
        )
