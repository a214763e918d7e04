"""A cap on the cost of a model's answers: no request is sent that could exceed it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from slmrag.errors import UserError
from slmrag.generation.answer_tables import RowBuffer, column_types
from slmrag.generation.engines.base import Outcome, Request
from slmrag.generation.prices import (
    PAID_TOKENS,
    RULE_OF_ESTIMATE,
    Price,
    cost,
    estimated_cost,
    with_currency,
)

ROUNDING_TOLERANCE = 1 + 1e-9


class Budget:
    """Counts the cost of finished requests and of those in flight; without a cap all are sent."""

    def __init__(
        self, name: str, price: Price | None, cap: float | None, spent: float, max_tokens: int
    ) -> None:
        """Take the model's name, and what its answers have cost so far (``spent``) by ``price``."""
        self._name, self._price, self._cap = name, price or {}, cap
        self._before = self._spent = spent
        self._max_tokens = max_tokens
        self._in_flight: dict[str, float] = {}
        self._held_back = False

    def check_and_yield(self, requests: Iterable[Request]) -> Iterator[Request]:
        """Yield requests once it is known that all of them together stay below the cap.

        UserError before the first of them if they may not. They wait on disk, not in memory.
        """
        if self._cap is None:
            yield from requests
            return
        with TemporaryDirectory() as scratch:
            buffer = RowBuffer(Path(scratch, "asked"), column_types(Request._fields[:2]))
            total, count = 0.0, 0
            for request in requests:
                total, count = total + self._estimate(request), count + 1
                buffer.add([request[:2]])
            if self._spent + total > self._cap * ROUNDING_TOLERANCE:
                raise UserError(self._cost_sentence(total, count))
            yield from (Request(*row) for frame in buffer.frames() for row in frame.iter_rows())

    def yield_affordable(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Yield requests one by one, as long as those in flight and the next stay below the cap."""
        if self._cap is None:
            yield from requests
            return
        for request in requests:
            may = self._estimate(request)
            if self._spent + sum(self._in_flight.values()) + may > self._cap * ROUNDING_TOLERANCE:
                self._held_back = True
                return
            self._in_flight[request.digest] = may
            yield request

    def record_costs(self, finished: Sequence[Outcome]) -> None:
        """Add the costs of outcomes; one without counts of tokens costs what was estimated."""
        for one in finished:
            may = self._in_flight.pop(one.digest, 0.0)
            tokens = [
                count for name in PAID_TOKENS if (count := getattr(one, name, None)) is not None
            ]
            known = self._price and len(tokens) == len(PAID_TOKENS)
            self._spent += cost(self._price, *tokens) if known else may

    def run_cost(self) -> dict[str, float]:
        """Return the cost of this run as a result to be tracked; nothing without a price."""
        return {"cost": self._spent - self._before} if self._price else {}

    def refuse_if_held_back(self) -> None:
        """Raise UserError if a request was held back because of the cap."""
        if self._held_back:
            raise UserError(
                f"{self._name}: the answers have cost {self._text(self._spent)}, more than was "
                f"estimated, and another could exceed max_cost: {self._text(self._cap)}; "
                "finished answers are kept: raise max_cost and run again, or ask less"
            )

    def _estimate(self, request: Request) -> float:
        return estimated_cost(self._price, request.text, self._max_tokens)

    def _cost_sentence(self, total: float, count: int) -> str:
        answers = f"{count} answer{'s' * (count != 1)}"
        before = f", in addition to {self._text(self._before)} for those that it has" * bool(
            self._before
        )
        return (
            f"{self._name}: the {answers} that the journal lacks may cost up to "
            f"{self._text(total)} ({RULE_OF_ESTIMATE}, {self._max_tokens} of an answer){before}: "
            f"more than max_cost: {self._text(self._cap)}; raise max_cost, or ask less: fewer "
            "questions (limit), modes or passages, or a lower max_tokens"
        )

    def _text(self, amount: float | None) -> str:
        return with_currency(amount or 0.0, self._price)
