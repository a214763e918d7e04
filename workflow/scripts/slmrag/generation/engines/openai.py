"""Any OpenAI-compatible endpoint: many requests in flight, streamed, tried again where it helps."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

from slmrag.config.endpoint_options import CLIENT_OPTIONS, SPEED_OPTIONS
from slmrag.errors import UserError
from slmrag.generation.engines import base, quantization
from slmrag.generation.engines.openai_answer import Reading
from slmrag.generation.engines.openai_client import client, unreachable
from slmrag.generation.engines.openai_errors import Broken, Ended, Refused, Told, backoff, judged
from slmrag.generation.engines.openai_refusals import Doubts
from slmrag.generation.engines.openai_request import ask_server, is_chat, unlimited
from slmrag.generation.engines.openai_stream import read

if TYPE_CHECKING:
    from openai import APIStatusError

logger = logging.getLogger(__name__)
CONCURRENCY = 32
RETRIES = 6
TOTAL_TIMEOUT = 3600.0
LONGEST_WAIT = 120.0
RUN_AGAIN = "; what was finished is kept, run again"
Result = tuple[base.Finished, str | None]


class Engine(base.Engine):
    """Calls ``endpoint`` for ``served_name``: chat unless chat_template is none, else completions.

    Options: ``api_key_env`` (name of the variable with the key; OPENAI_API_KEY), ``concurrency``,
    ``requests_per_second``, ``retries`` (429, 5xx, no connection, an answer that did not come
    whole), ``longest_wait`` seconds that Retry-After may ask for, ``timeout`` seconds without a
    byte, ``total_timeout`` seconds of one request, ``extra_body``; any other is a key of the
    request, which null leaves out.
    """

    # 2: an answer is one that the server said to be finished; unknown tokens are null.
    REVISION = 2
    TOKENS = False
    REMOTE = True
    SPEED_OPTIONS = SPEED_OPTIONS

    @staticmethod
    def version() -> str:
        """Return the protocol; what answers is the endpoint, which is part of the cache key."""
        return "openai 1"

    def __enter__(self) -> Self:
        """Make ready to ask; UserError where the environment lets nothing be asked."""
        quantization.refuse_quantization(self.config.entry, "openai")
        self._place = self.config.entry["endpoint"]
        self._models: set[str] = set()
        self._fingerprints: set[str] = set()
        self._next_start = 0.0
        self._client = client(self.config)
        self._loop = asyncio.new_event_loop()
        try:
            self._server = self._loop.run_until_complete(ask_server(self._client, self.config))
        except BaseException:
            self.__exit__()
            raise
        if unlimited(self._body):
            logger.warning("no limit of tokens is sent: %s decides how long", self._place)
        return self

    @property
    def _body(self) -> dict[str, Any]:
        return self._server.body

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._loop.run_until_complete(self._client.close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def answers(self, requests: Iterator[base.Request]) -> base.Answers:
        """Keep ``concurrency`` requests in flight, and yield what is finished or refused."""
        room, doubts = self._option("concurrency", CONCURRENCY), Doubts(self._place)
        flying: set[asyncio.Task[Result]] = set()
        try:
            while True:
                flying |= set(self._started(requests, int(room) - len(flying)))
                if not flying:
                    break
                done, flying = self._loop.run_until_complete(
                    asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                )
                yield from _settled(done, doubts)
        finally:
            self._loop.run_until_complete(_cancelled(flying))
        if rest := doubts.rest():
            yield rest

    def _started(
        self, requests: Iterator[base.Request], room: int
    ) -> Iterator["asyncio.Task[Result]"]:
        for _ in range(room):
            request = next(requests, None)
            if request is None:
                return
            yield self._loop.create_task(self._result(request))

    async def _result(self, request: base.Request) -> Result:
        """Ask until the server has answered, or will not; UserError once there is no hope."""
        retries = int(self._option("retries", RETRIES))
        for tried in range(retries + 1):
            await self._turn()
            began = time.monotonic()
            try:
                return await self._answer(request, began), None
            except Refused as error:
                ended = time.monotonic()
                refused = (request.digest, error.code, error.reason, ended - began, ended)
                return base.Refusal(*refused), error.about
            except Ended as error:
                raise UserError(f"{self._place} {error}{RUN_AGAIN}") from error
            except Broken as error:
                if tried == retries:
                    raise UserError(f"{self._place} {error}{RUN_AGAIN}") from error
                logger.info("try %d of a prompt: %s %s", tried + 1, self._place, error)
                await asyncio.sleep(backoff(tried) if error.wait is None else error.wait)
        raise AssertionError("a loop over no tries")

    async def _answer(self, request: base.Request, began: float) -> base.Completion:
        """Return the answer of one try, which the server said to be finished."""
        reading = await self._read(request)
        assert reading.finish, "an answer that is not whole is an error"
        ended = time.monotonic()
        prompt_tokens, generated_tokens = reading.tokens
        return base.Completion(
            digest=request.digest,
            text=reading.text,
            prompt_tokens=prompt_tokens,
            generated_tokens=generated_tokens,
            finish_reason=reading.finish,
            first_token_seconds=reading.first and reading.first - began,
            seconds=ended - began,
            ended=ended,
        )

    async def _read(self, request: base.Request) -> Reading:
        """Return what the server says, within the time that one request has."""
        from openai import APIConnectionError, APIStatusError

        reading, total = (
            Reading(is_chat(self.config)),
            float(self._option("total_timeout", TOTAL_TIMEOUT)),
        )
        try:
            async with asyncio.timeout(total):
                async with self._asked(request) as response:
                    await read(response, reading, bool(self._body.get("stream")))
        except TimeoutError:
            if reading.finish is None:
                limit = f"options.total_timeout ({total:g} s); raise it, or lower max_tokens"
                raise Ended(f"has not finished an answer within {limit}") from None
        except Told as error:
            raise self._judged(error.status, error.body, {}) from error
        except APIStatusError as error:
            raise self._refused(error) from error
        except APIConnectionError as error:
            reason, passing = unreachable(error, self._place)
            raise (Broken if passing else Ended)(reason) from error
        finally:
            self._models |= reading.models
            self._fingerprints |= reading.fingerprints
        return reading

    def _asked(self, request: base.Request) -> Any:
        """Return the request under way: a context manager of its response."""
        chat, options = self._client.chat.completions, self.config.options
        plain = self._client.completions
        service = chat if is_chat(self.config) else plain
        ask: Callable[..., Any] = service.with_streaming_response.create
        own: dict[str, Any] = {"messages": [{"role": "user", "content": request.text}]}
        own = own if is_chat(self.config) else {"prompt": request.text}
        more = {key: options[key] for key in CLIENT_OPTIONS - {"extra_body"} if options.get(key)}
        return ask(**own, model=self._body["model"], extra_body=self._body, **more)

    def _refused(self, error: "APIStatusError") -> Exception:
        body = error.body if error.body is not None else error.response.text
        return self._judged(error.status_code, body, error.response.headers)

    def _judged(self, status: int, told: Any, headers: Any) -> Exception:
        longest = float(self._option("longest_wait", LONGEST_WAIT))
        return judged(status, told, headers, self._body, longest)

    def _option(self, name: str, usual: float) -> float:
        return self.config.options.get(name, usual)

    async def _turn(self) -> None:
        """Wait until the rate limit allows another request."""
        rate = self.config.options.get("requests_per_second")
        if rate:
            now = time.perf_counter()
            self._next_start = max(now, self._next_start) + 1 / rate
            await asyncio.sleep(self._next_start - 1 / rate - now)

    def about(self) -> dict[str, Any]:
        """Return where the answers came from, and what the server has said of itself so far."""
        return {
            "device": "endpoint",
            "endpoint": self._place,
            "served_models": sorted(self._models),
            "system_fingerprints": sorted(self._fingerprints),
            **self._server.about(),
        }


def _settled(done: "set[asyncio.Task[Result]]", doubts: Doubts) -> Iterator[list[base.Finished]]:
    """Yield what is beyond doubt before raising what no answer came of."""
    if sure := doubts.settled([task.result() for task in done if task.exception() is None]):
        yield sure
    for error in filter(None, (task.exception() for task in done)):
        raise error


async def _cancelled(tasks: "set[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
