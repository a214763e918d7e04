"""A server whose every answer is drawn from a seed, and which knows what it finished."""

import asyncio
import json
import random
import re
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

WORDS = ["Paris", " Tōkyō", " 🜁", "\u2028", '"', "\n\n", "data: x", " [DONE]", "é", ""]
ENDS = ["stop", "length", "eos_token", "stop_sequence", "COMPLETE", "MAX_TOKENS", "end_turn"]
STATUSES = [400, 401, 403, 404, 408, 413, 422, 429, 429, 500, 500, 502, 503, 503, 418, 302, 204]
SAYING = [
    {"error": {"message": "the content policy flags this", "code": "content_filter"}},
    {"error": {"message": "Unsupported parameter: 'seed'", "param": "seed"}},
    {"error": {"message": "maximum context length is 5 tokens", "code": 400}},
    {"detail": [{"loc": ["body", "stop"], "msg": "Extra inputs are not permitted"}]},
    {"error": None, "message": None},
    {"object": "error", "message": "no"},
    "<html><h1>502</h1></html>",
    "",
    "[[[" * 400,
    [1, None],
]


class Draw:
    """One response: its bytes, and the (text, finish reason) that they finished, if any."""

    def __init__(self, seed: str, streams: bool) -> None:
        self.chance = random.Random(seed)
        self.ends = "stop" if streams else "no"
        self.finished: tuple[str, str] | None = None
        self.refused = False
        self.head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
        self.body = b""
        self.proof = 0
        self.hang = 0.0
        self.drip = False

    def event(self, value: object, name: str = "") -> None:
        """Add an event in one of the ways in which servers write them."""
        line = self.chance.choice(["\n", "\n", "\r\n"])
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines = [f"event: {name}"] if name else []
        lines += self.chance.choice([[], [": ping"], ["id: 3"], ["retry: 5"]])
        lines += [f"data:{self.chance.choice(['', ' '])}{text}", "", ""]
        self.body += line.join(lines).encode()

    def chunk(self, delta: object, reason: str | None = None, **more: object) -> None:
        """Add a chunk of a chat."""
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        self.event({"model": "m-1", "system_fingerprint": "fp", "choices": [choice], **more})

    def words(self) -> str:
        """Add some words; return them."""
        some = self.chance.choices(WORDS, k=self.chance.randint(0, 5))
        if self.chance.random() < 0.3:
            self.chunk(None)
        for word in some:
            self.chunk({"content": word, "role": "assistant"})
        return "".join(some)

    def end(self, text: str) -> None:
        """Add the proof."""
        reason = self.chance.choice(ENDS)
        self.chunk(self.chance.choice([{}, None, {"content": None}, {"content": ""}]), reason)
        kind = "length" if reason.lower() in ("length", "max_tokens") else "stop"
        self.finished, self.proof = (text, kind), len(self.body)

    def good(self) -> None:
        """Answer well; usage is told, half told or not told."""
        if self.chance.random() < 0.2:
            self.body = "\ufeff".encode()
        self.end(self.words())
        numbers = self.chance.choice([None, {}, {"prompt_tokens": 4}, {"completion_tokens": None}])
        if self.chance.random() < 0.7:
            self.event({"choices": [], "usage": numbers})
        if self.chance.random() < 0.8:
            self.event("[DONE]")

    def cut(self) -> None:
        """Answer well, and cut the bytes anywhere: what has its proof may count."""
        self.good()
        self.body = self.body[: self.chance.randint(0, len(self.body))]
        if self.chance.random() < 0.5:
            self.head += b"Content-Length: 999999\r\n"
        # An event is whole with its last brace, though its blank line be cut.
        if len(self.body) < self.proof - 4:
            self.finished = None

    def unfinished(self) -> None:
        """End without a proof, or with a word that is none."""
        self.words()
        reason = self.chance.choice([None, "", "error", "abort", "null", "weird", "unknown"])
        self.chunk({}, reason)
        self.event("[DONE]")

    def filtered(self) -> None:
        """End by a filter or with a call."""
        self.words()
        self.chunk({}, self.chance.choice(["content_filter", "tool_calls", "SAFETY"]))
        self.refused = True

    def wrong(self) -> None:
        """Say something in the middle that is no part of an answer."""
        self.words()
        lines = [b"garbage\n", b"data: {\n\n", b"data: \xff\xfe\n\n", b"data: [1]\n\n", b"\x00\n"]
        lines += [b"data: null\n\n", b'data: {"choices": 3}\n\n', b"data: " + b"[" * 9000 + b"\n\n"]
        lines += [b'data: {"choices": [{"delta": {"content": 5}}]}\n\n', b"<html>\n"]
        lines += [b'data: {"choices": [{"message": {"content": "x"}}]}\n\n']
        self.body += self.chance.choice(lines)
        self.end("")
        self.finished = None

    def error(self) -> None:
        """Tell an error in the stream."""
        self.words()
        if self.chance.random() < 0.5:
            self.event({"message": "broke"}, "error")
        else:
            code = self.chance.choice([500, 400, "429", None, "content_filter"])
            self.event({"error": {"message": "broke", "code": code}})
            self.refused = code in (400, "content_filter")
        self.end("")
        self.finished = None

    def after(self) -> None:
        """Go on after the end."""
        self.end(self.words())
        self.chunk({"content": "and more"})
        self.finished = None

    def page(self) -> None:
        """Answer 200 with something else."""
        kind = self.chance.choice(["text/html", "application/json", "text/plain"])
        self.head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n".encode()
        whole = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}
        texts = [
            "<html>log in</html>",
            json.dumps(whole),
            '{"error": "no"}',
            "",
            "[]",
            "\ufeff",
        ]
        self.body = self.chance.choice(texts).encode()

    def plain(self) -> None:
        """Stream well under another content type."""
        self.head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        self.good()

    def packed(self) -> None:
        """Stream well, compressed, or say so and do not."""
        self.good()
        self.head += b"Content-Encoding: deflate\r\n"
        if self.chance.random() < 0.6:
            self.body = zlib.compress(self.body)
        else:
            self.finished = None

    def status(self) -> None:
        """Answer with another status."""
        code, said = self.chance.choice(STATUSES), self.chance.choice(SAYING)
        wait = self.chance.choice(["0.01", "abc", "-3", "3600", "Wed, 21 Oct 2015 07:28:00 GMT"])
        wait = self.chance.choice([wait, "Wed, 21 Oct 2099 07:28:00 GMT", "nan", "9" * 400])
        self.head = f"HTTP/1.1 {code} X\r\nRetry-After: {wait}\r\nConnection: close\r\n".encode()
        self.head += b"Location: /v1/chat/completions\r\n" if code == 302 else b""
        self.body = (said if isinstance(said, str) else json.dumps(said)).encode()
        self.refused = code in (400, 403, 413, 422, 500)

    def noise(self) -> None:
        """Speak no HTTP."""
        noise = [b"", b"hello\r\n\r\n", b"HTTP/1.1 200\r\n", b"HTTP/1.1 999 \r\n\r\n", b"\x00" * 99]
        self.head = self.chance.choice(noise)

    def stall(self) -> None:
        """Stop in the middle and keep the line open."""
        self.words()
        self.hang = 0.6

    def dripping(self) -> None:
        """Send comments for ever."""
        self.words()
        self.drip = True


GOOD = [Draw.good, Draw.plain, Draw.packed]
BAD = [Draw.cut, Draw.unfinished, Draw.filtered, Draw.wrong, Draw.error, Draw.after, Draw.page]
BAD += [Draw.status, Draw.status, Draw.noise, Draw.stall, Draw.dripping, Draw.cut]


def draw(seed: str, trouble: float) -> Draw:
    """Return the response of a seed; ``trouble`` is the chance of one that is not good."""
    made = Draw(seed, True)
    kinds: list[Callable[[Draw], None]] = BAD if made.chance.random() < trouble else GOOD
    made.chance.choice(kinds)(made)
    return made


class Server:
    """Answers each try at each prompt by a draw; ``finished`` and ``refused`` are the truth."""

    def __init__(self) -> None:
        self.finished: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.refused: set[str] = set()
        self.tries: dict[str, int] = defaultdict(int)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = re.search(r"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(size[1])) if size else b""
            name = re.search(r"seed \d+ prompt \d+", body.decode())
            await self._answer(name[0] if name else "none", writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, name: str, writer: asyncio.StreamWriter) -> None:
        self.tries[name] += 1
        trouble = random.Random(name.partition(" prompt")[0]).choice([0.1, 0.3, 0.7])
        made = draw(f"{name} {self.tries[name]}", trouble)
        if made.finished:
            self.finished[name].append(made.finished)
        if made.refused:
            self.refused.add(name)
        writer.write(made.head + (b"\r\n" if made.head.endswith(b"\r\n") else b""))
        step = made.chance.choice([1 << 20, 1 << 20, 50, 7])
        for at in range(0, len(made.body), step):
            writer.write(made.body[at : at + step])
            await writer.drain()
        await asyncio.sleep(made.hang)
        for _ in range(200 if made.drip else 0):
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.01)


@contextmanager
def odd_server() -> Iterator[SimpleNamespace]:
    """Serve on a free port from a thread; yield the address and the truth."""
    truth, loop = Server(), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(truth.serve, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}/v1", truth=truth)
    finally:
        asyncio.run_coroutine_threadsafe(_ended(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


async def _ended() -> None:
    """End all responses that are still under way."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
