"""A cap on what a model's answers may cost: what could cost more is never asked."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from slmrag.errors import UserError
from slmrag.generation.answer_tables import RowBuffer, schema
from slmrag.generation.engines.base import Finished, Request
from slmrag.generation.prices import (
    PAID_TOKENS,
    RULE_OF_ESTIMATE,
    Price,
    cost,
    estimated_cost,
    with_currency,
)

ROUNDING = 1 + 1e-9


class Budget:
    """Counts what was spent and what is under way; without a cap it lets everything pass."""

    def __init__(
        self, name: str, price: Price | None, cap: float | None, spent: float, max_tokens: int
    ) -> None:
        """Take the name of what is paid for, and what its answers cost before, by ``price``."""
        self._name, self._price, self._cap = name, price or {}, cap
        self._before = self._spent = spent
        self._max_tokens = max_tokens
        self._flying: dict[str, float] = {}
        self._held_back = False

    def affordable(self, requests: Iterable[Request]) -> Iterator[Request]:
        """Yield requests once all of them are known to cost no more than what is left.

        UserError before the first of them where they may. They wait on disk, not in memory.
        """
        if self._cap is None:
            yield from requests
            return
        with TemporaryDirectory() as scratch:
            buffer = RowBuffer(Path(scratch, "asked"), schema(Request._fields[:2]))
            total, count = 0.0, 0
            for request in requests:
                total, count = total + self._foreseen(request), count + 1
                buffer.add([request[:2]])
            if self._spent + total > self._cap * ROUNDING:
                raise UserError(self._too_dear(total, count))
            yield from (Request(*row) for frame in buffer.frames() for row in frame.iter_rows())

    def admitted(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Yield requests as they are asked for, as long as what is under way could be paid."""
        if self._cap is None:
            yield from requests
            return
        for request in requests:
            may = self._foreseen(request)
            if self._spent + sum(self._flying.values()) + may > self._cap * ROUNDING:
                self._held_back = True
                return
            self._flying[request.digest] = may
            yield request

    def settle(self, finished: Sequence[Finished]) -> None:
        """Count what came back; what has no count of tokens is taken at what was foreseen."""
        for one in finished:
            may = self._flying.pop(one.digest, 0.0)
            tokens = [
                count for name in PAID_TOKENS if (count := getattr(one, name, None)) is not None
            ]
            known = self._price and len(tokens) == len(PAID_TOKENS)
            self._spent += cost(self._price, *tokens) if known else may

    def paid(self) -> dict[str, float]:
        """Return what this run cost by the price, where there is one, as a result to be tracked."""
        return {"cost": self._spent - self._before} if self._price else {}

    def close(self) -> None:
        """End with a UserError where something was not asked for want of money."""
        if self._held_back:
            raise UserError(
                f"{self._name}: the answers have cost {self._shown(self._spent)}, more than was "
                f"foreseen, and another could pass max_cost: {self._shown(self._cap)}; what is "
                "answered is kept: raise max_cost and run again, or ask less"
            )

    def _foreseen(self, request: Request) -> float:
        return estimated_cost(self._price, request.text, self._max_tokens)

    def _too_dear(self, total: float, count: int) -> str:
        answers = f"{count} answer{'s' * (count != 1)}"
        before = f", beside {self._shown(self._before)} for those that it has" * bool(self._before)
        return (
            f"{self._name}: the {answers} that the journal lacks may cost up to "
            f"{self._shown(total)} ({RULE_OF_ESTIMATE}, {self._max_tokens} of an answer){before}: "
            f"more than max_cost: {self._shown(self._cap)}; raise max_cost, or ask less: fewer "
            "questions (limit), modes or passages, or a lower max_tokens"
        )

    def _shown(self, amount: float | None) -> str:
        return with_currency(amount or 0.0, self._price)
