"""An engine in the place of an endpoint: it refuses some prompts, and says what answered."""

from collections.abc import Iterator
from typing import Any, ClassVar

from slmrag.generation.engines import base, echo

REFUSED = "spider"
WORDS = "the prompt triggers the content filter"


class Endpoint(echo.Engine):
    """Echoes, but refuses prompts that hold ``refuses``; each answer costs ``tokens``."""

    REMOTE = True
    refuses: str | None = REFUSED
    tokens: tuple[int | None, int | None] = (100, 10)
    served: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    seen: ClassVar[list[str]]

    @staticmethod
    def version() -> str:
        """Return the protocol."""
        return "openai 1"

    def answers(self, requests: Iterator[base.Request]) -> Iterator[list[base.Outcome]]:
        """Answer one request at a time, in the order in which they are asked."""
        for request in requests:
            self.seen.append(request.text)
            if self.refuses and self.refuses in request.text:
                yield [base.Refusal(request.digest, "400", WORDS, 0.1)]
                continue
            for made in super().answers(iter([request])):
                read, written = self.tokens
                yield [one._replace(prompt_tokens=read, generated_tokens=written) for one in made]

    def about(self) -> dict[str, Any]:
        """Return what answered, which is known only once anything did."""
        told = self.seen and {"served_models": [*self.served]}
        prints = self.seen and {"system_fingerprints": [*self.fingerprints]}
        return {"device": "endpoint", **(told or {}), **(prints or {})}


def endpoint(monkeypatch: Any, **changes: Any) -> type[Endpoint]:
    """Put such an engine where an endpoint's would be, and return its class."""
    from slmrag.generation.engines import openai

    made = type("Engine", (Endpoint,), {"seen": [], **changes})
    monkeypatch.setattr(openai, "Engine", made)
    return made
