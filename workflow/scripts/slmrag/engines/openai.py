"""Any OpenAI-compatible endpoint: many requests in flight, streamed, tried again where it helps."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Self

from slmrag.engines import base, quantisation
from slmrag.engines.openai_errors import explained
from slmrag.engines.openai_reasoning import Channels
from slmrag.errors import UserError
from slmrag.thinking import arguments

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CONCURRENCY = 32
RETRIES = 6
TIMEOUT = 120.0
SPEED = frozenset({"api_key_env", "concurrency", "requests_per_second", "retries", "timeout"})


class Engine(base.Engine):
    """Calls ``endpoint`` for ``served_name``: chat unless chat_template is none, else completions.

    Options: ``api_key_env`` (name of the variable with the key; OPENAI_API_KEY), ``concurrency``,
    ``requests_per_second``, ``retries`` (429, 5xx, no connection; Retry-After is obeyed),
    ``timeout`` seconds, ``extra_body``; any other is passed to the endpoint.
    """

    TOKENS = False
    REMOTE = True
    SPEED = SPEED

    @staticmethod
    def version() -> str:
        """Return the protocol; what answers is the endpoint, which is part of the recipe."""
        return "openai 1"

    def __enter__(self) -> Self:
        """Check that the endpoint answers and knows the model."""
        quantisation.nothing(self.plan.entry, "openai")
        self._loop = asyncio.new_event_loop()
        self._client = _client(self.plan)
        self._next_start = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._loop.run_until_complete(self._client.close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def answers(self, requests: Iterator[base.Request]) -> Iterator[list[base.Completion]]:
        """Keep ``concurrency`` requests in flight, and yield what finishes."""
        room = int(self.plan.options.get("concurrency", CONCURRENCY))
        flying: set[asyncio.Task[base.Completion]] = set()
        try:
            while True:
                flying |= set(self._started(requests, room - len(flying)))
                if not flying:
                    return
                done, flying = self._loop.run_until_complete(
                    asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                )
                yield from self._settled(done)
        finally:
            self._loop.run_until_complete(_cancelled(flying))

    def _started(
        self, requests: Iterator[base.Request], room: int
    ) -> Iterator["asyncio.Task[base.Completion]"]:
        for _ in range(room):
            request = next(requests, None)
            if request is None:
                return
            yield self._loop.create_task(self._answer(request))

    def _settled(
        self, done: "set[asyncio.Task[base.Completion]]"
    ) -> Iterator[list[base.Completion]]:
        """Yield what was answered before raising what was not."""
        answered = [task.result() for task in done if task.exception() is None]
        if answered:
            yield answered
        for error in filter(None, (task.exception() for task in done)):
            raise explained(error, self.plan.entry["endpoint"]) from error

    async def _answer(self, request: base.Request) -> base.Completion:
        await self._turn()
        began = time.monotonic()
        first, pieces, reason, usage = None, [], "stop", None
        async for text, ended, used in self._stream(request):
            if text and first is None:
                first = time.monotonic() - began
            pieces.append(text)
            reason, usage = ended or reason, used or usage
        ended = time.monotonic()
        return base.Completion(
            digest=request.digest,
            text="".join(pieces),
            prompt_tokens=usage.prompt_tokens if usage else len(request.text.split()),
            generated_tokens=usage.completion_tokens if usage else len(pieces),
            finish_reason="length" if reason == "length" else "stop",
            first_token_seconds=first,
            seconds=ended - began,
            ended=ended,
        )

    async def _turn(self) -> None:
        """Wait until the rate limit allows another request."""
        rate = self.plan.options.get("requests_per_second")
        if rate:
            now = time.perf_counter()
            self._next_start = max(now, self._next_start) + 1 / rate
            await asyncio.sleep(self._next_start - 1 / rate - now)

    async def _stream(self, request: base.Request) -> AsyncIterator[tuple[str, str | None, Any]]:
        """Yield text, finish reason and usage of each chunk."""
        if self.plan.chat:
            messages = [{"role": "user", "content": request.text}]
            stream = await self._client.chat.completions.create(messages=messages, **self._body())
        else:
            stream = await self._client.completions.create(prompt=request.text, **self._body())
        channels = Channels()
        async for chunk in stream:
            choice = chunk.choices[0] if chunk.choices else None
            text = channels.text(choice) if choice else ""
            yield text, choice.finish_reason if choice else None, chunk.usage

    def _body(self) -> dict[str, Any]:
        wanted, options = self.plan.sampling, self.plan.options
        extra = dict(options.get("extra_body") or {})
        if self.plan.chat and (told := arguments(self.plan.entry)):
            extra["chat_template_kwargs"] = told
        return {
            "model": self.plan.entry["served_name"],
            "temperature": wanted.temperature,
            "top_p": wanted.top_p,
            "max_tokens": wanted.max_tokens,
            "seed": wanted.seed,
            "stop": list(wanted.stop) or None,
            "stream": True,
            "stream_options": {"include_usage": True},
            "extra_body": extra or None,
            **{key: value for key, value in options.items() if key not in SPEED | {"extra_body"}},
        }

    def about(self) -> dict[str, Any]:
        """Return where the answers came from."""
        return {"device": "endpoint", "endpoint": self.plan.entry["endpoint"]}


async def _cancelled(tasks: "set[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _client(plan: base.Plan) -> "AsyncOpenAI":
    from openai import AsyncOpenAI

    options = plan.options
    name = options.get("api_key_env", "OPENAI_API_KEY")
    if "api_key_env" in options and not os.environ.get(name):
        raise UserError(f"options.api_key_env: the environment has no {name}; export the key there")
    return AsyncOpenAI(
        base_url=plan.entry["endpoint"],
        api_key=os.environ.get(name) or "none",
        max_retries=int(options.get("retries", RETRIES)),
        timeout=float(options.get("timeout", TIMEOUT)),
    )
