"""Any OpenAI-compatible endpoint: concurrent, streamed requests that are retried if it helps."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

from slmrag.config.endpoint_options import CLIENT_OPTIONS, SPEED_OPTIONS
from slmrag.errors import UserError
from slmrag.generation.engines import base, quantization
from slmrag.generation.engines.openai_answer import PartialAnswer
from slmrag.generation.engines.openai_client import describe_connection_error, make_client
from slmrag.generation.engines.openai_errors import (
    FinalError,
    IncompleteAnswer,
    RefusedPrompt,
    ServerError,
    backoff_seconds,
    classify_error,
)
from slmrag.generation.engines.openai_refusals import HeldRefusals
from slmrag.generation.engines.openai_request import ask_server, has_no_token_limit, is_chat
from slmrag.generation.engines.openai_stream import read_response

if TYPE_CHECKING:
    from openai import APIStatusError

logger = logging.getLogger(__name__)
CONCURRENCY = 32
RETRIES = 6
TOTAL_TIMEOUT = 3600.0
LONGEST_WAIT = 120.0
RUN_AGAIN = "; what was finished is kept, run again"
Result = tuple[base.Outcome, str | None]


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
        """Make the client and ask which server it is; UserError where the environment is wrong."""
        quantization.refuse_quantization(self.config.entry, "openai")
        self._endpoint = self.config.entry["endpoint"]
        self._models: set[str] = set()
        self._fingerprints: set[str] = set()
        self._next_start = 0.0
        self._client = make_client(self.config)
        self._loop = asyncio.new_event_loop()
        try:
            self._server = self._loop.run_until_complete(ask_server(self._client, self.config))
        except BaseException:
            self.__exit__()
            raise
        if has_no_token_limit(self._body):
            logger.warning(
                "the request has no limit of tokens, so %s decides how long an answer is",
                self._endpoint,
            )
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
        room, held = int(self._option("concurrency", CONCURRENCY)), HeldRefusals(self._endpoint)
        flying: set[asyncio.Task[Result]] = set()
        try:
            while True:
                flying |= set(self._start_tasks(requests, room - len(flying)))
                if not flying:
                    break
                done, flying = self._loop.run_until_complete(
                    asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                )
                yield from _collect(done, held)
        finally:
            self._loop.run_until_complete(_cancel(flying))
        if rest := held.release_all():
            yield rest

    def _start_tasks(
        self, requests: Iterator[base.Request], room: int
    ) -> Iterator["asyncio.Task[Result]"]:
        for _ in range(room):
            request = next(requests, None)
            if request is None:
                return
            yield self._loop.create_task(self._result(request))

    async def _result(self, request: base.Request) -> Result:
        """Send a request until it is answered or refused; UserError where a retry cannot help."""
        retries = int(self._option("retries", RETRIES))
        for tried in range(retries + 1):
            await self._wait_for_turn()
            began = time.monotonic()
            try:
                return await self._answer(request, began), None
            except RefusedPrompt as error:
                ended = time.monotonic()
                refused = (request.digest, error.code, error.reason, ended - began, ended)
                return base.Refusal(*refused), error.about
            except FinalError as error:
                raise UserError(f"{self._endpoint} {error}{RUN_AGAIN}") from error
            except IncompleteAnswer as error:
                if tried == retries:
                    raise UserError(f"{self._endpoint} {error}{RUN_AGAIN}") from error
                logger.info("try %d of a prompt: %s %s", tried + 1, self._endpoint, error)
                await asyncio.sleep(backoff_seconds(tried) if error.wait is None else error.wait)
        raise AssertionError("retries is never negative")

    async def _answer(self, request: base.Request, began: float) -> base.Completion:
        """Return the answer of one try, which is complete."""
        answer = await self._read(request)
        assert answer.finish_reason, "an answer that is not whole is an error"
        ended = time.monotonic()
        prompt_tokens, generated_tokens = answer.tokens
        return base.Completion(
            digest=request.digest,
            text=answer.text,
            prompt_tokens=prompt_tokens,
            generated_tokens=generated_tokens,
            finish_reason=answer.finish_reason,
            first_token_seconds=answer.first_token_time and answer.first_token_time - began,
            seconds=ended - began,
            ended=ended,
        )

    async def _read(self, request: base.Request) -> PartialAnswer:
        """Return the server's answer, within the time limit of one request."""
        from openai import APIConnectionError, APIStatusError

        answer = PartialAnswer(is_chat(self.config))
        total = float(self._option("total_timeout", TOTAL_TIMEOUT))
        try:
            async with asyncio.timeout(total):
                async with self._send(request) as response:
                    await read_response(response, answer, bool(self._body.get("stream")))
        except TimeoutError:
            if answer.finish_reason is None:
                limit = f"options.total_timeout ({total:g} s); raise it, or lower max_tokens"
                raise FinalError(f"has not finished an answer within {limit}") from None
        except ServerError as error:
            raise self._classify(error.status, error.body, {}) from error
        except APIStatusError as error:
            raise self._status_error(error) from error
        except APIConnectionError as error:
            reason, passing = describe_connection_error(error, self._endpoint)
            raise (IncompleteAnswer if passing else FinalError)(reason) from error
        finally:
            self._models |= answer.models
            self._fingerprints |= answer.fingerprints
        return answer

    def _send(self, request: base.Request) -> Any:
        """Send the request: return a context manager of its response."""
        chat, options = self._client.chat.completions, self.config.options
        plain = self._client.completions
        service = chat if is_chat(self.config) else plain
        ask: Callable[..., Any] = service.with_streaming_response.create
        own: dict[str, Any] = {"messages": [{"role": "user", "content": request.text}]}
        own = own if is_chat(self.config) else {"prompt": request.text}
        more = {key: options[key] for key in CLIENT_OPTIONS - {"extra_body"} if options.get(key)}
        return ask(**own, model=self._body["model"], extra_body=self._body, **more)

    def _status_error(self, error: "APIStatusError") -> Exception:
        body = error.body if error.body is not None else error.response.text
        return self._classify(error.status_code, body, error.response.headers)

    def _classify(self, status: int, body: Any, headers: Any) -> Exception:
        longest = float(self._option("longest_wait", LONGEST_WAIT))
        return classify_error(status, body, headers, self._body, longest)

    def _option(self, name: str, usual: float) -> float:
        return self.config.options.get(name, usual)

    async def _wait_for_turn(self) -> None:
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
            "endpoint": self._endpoint,
            "served_models": sorted(self._models),
            "system_fingerprints": sorted(self._fingerprints),
            **self._server.about(),
        }


def _collect(done: "set[asyncio.Task[Result]]", held: HeldRefusals) -> Iterator[list[base.Outcome]]:
    """Yield the outcomes that are certain, then raise the first error."""
    if sure := held.release([task.result() for task in done if task.exception() is None]):
        yield sure
    for error in filter(None, (task.exception() for task in done)):
        raise error


async def _cancel(tasks: "set[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
