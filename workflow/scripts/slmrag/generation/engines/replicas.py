"""Several replicas of an engine, each in a process of its own, fed from one queue.

The offline vLLM has no data parallelism within one process. So each replica gets its GPUs, a pipe
of requests (JSON lines; a full pipe slows the feeding down) and a pipe of completions.
"""

import json
import logging
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from slmrag.errors import UserError
from slmrag.generation.engines import base, parallelism
from slmrag.job.gpu_lock import VISIBLE_VARIABLE, visible_devices

logger = logging.getLogger(__name__)
SCRIPTS = Path(__file__).resolve().parents[3]
STOP_SECONDS = 3.0


def make_engine(engine: type[base.Engine], config: base.EngineConfig) -> base.Engine:
    """Return the engine itself, or several replicas where the job's hardware asks for them."""
    parts = engine.split(config)
    return engine(config) if parts.replicas == 1 else Replicas(engine, config, parts)


class Replicas(base.Engine):
    """An engine made of replicas; each request goes to one that has room."""

    def __init__(
        self, engine: type[base.Engine], config: base.EngineConfig, parts: parallelism.Split
    ) -> None:
        super().__init__(config)
        self._engine, self._split = engine, parts
        self._replicas: list[_ReplicaProcess] = []

    def version(self) -> str:  # type: ignore[override]
        """Return the version of the engine that is replicated."""
        return self._engine.version()

    def __enter__(self) -> Self:
        """Start all replicas at once, and wait until each is up."""
        threads = max(1, self.config.threads // self._split.replicas)
        own = {"gpus": self._split.tensor if self.config.gpus else 0, "threads": threads}
        hardware = {**self.config.hardware, **own, "data_parallel": 1}
        of_a_copy = {**self.config.as_json(), "hardware": hardware}
        spec = {"engine": self.config.entry["engine"], "config": of_a_copy}
        visible = parallelism.devices_of_replicas(visible_devices(), self._split)
        try:
            for devices in visible:
                self._replicas.append(_ReplicaProcess(spec, devices if self.config.gpus else None))
            hellos = [copy.wait_until_up() for copy in self._replicas]
        except BaseException:
            self.__exit__()
            raise
        self.start_seconds = slowest_start([one["start_seconds"] for one in hellos])
        self._about = hellos[0]["about"]
        return self

    def __exit__(self, *_: object) -> None:
        """End all replicas, gently first."""
        for copy in self._replicas:
            copy.process.terminate()
        for copy in self._replicas:
            copy.end()

    def answers(self, requests: Iterator[base.Request]) -> base.Answers:
        """Write requests to whichever replica has room, and yield what any of them finishes."""
        with selectors.DefaultSelector() as selector:
            for copy in self._replicas:
                selector.register(copy.answers, selectors.EVENT_READ, copy)
                selector.register(copy.requests, selectors.EVENT_WRITE, copy)
            reading = len(self._replicas)
            while reading:
                for key, event in selector.select():
                    if event & selectors.EVENT_WRITE:
                        if not key.data.feed(requests):
                            selector.unregister(key.fileobj)
                            os.close(key.fd)
                        continue
                    finished = key.data.read()
                    if finished is None:
                        selector.unregister(key.fileobj)
                        reading -= 1
                    elif finished:
                        yield finished

    def about(self) -> dict[str, Any]:
        """Return what the first replica says, and how many there are."""
        return {**self._about, "replicas": self._split.replicas}


def slowest_start(starts: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the longest time that any replica took for each step of its start."""
    names = dict.fromkeys(name for start in starts for name in start)
    steps = {name: [s for start in starts if (s := start.get(name))] for name in names}
    return {name: max(seconds, default=None) for name, seconds in steps.items()}


class _ReplicaProcess:
    """One engine's process and its two pipes."""

    def __init__(self, spec: dict[str, Any], devices: str | None) -> None:
        child_reads, self.requests = os.pipe()
        self.answers, child_writes = os.pipe()
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        if devices is not None:
            environment[VISIBLE_VARIABLE] = devices
        command = [sys.executable, "-m", "slmrag.generation.engines.replica_process"]
        self.process = subprocess.Popen(
            [*command, str(child_reads), str(child_writes)],
            pass_fds=(child_reads, child_writes),
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        os.close(child_reads)
        os.close(child_writes)
        self._unsent = (json.dumps(spec) + "\n").encode()
        self._received = b""
        while self._unsent:
            self._write()
        os.set_blocking(self.requests, False)

    def wait_until_up(self) -> dict[str, Any]:
        """Wait until the replica is up, and return what it says of itself."""
        while True:
            for line in self._lines():
                return line["up"]

    def feed(self, requests: Iterator[base.Request]) -> bool:
        """Write what the pipe takes; False once there is nothing left to ask."""
        if not self._unsent:
            request = next(requests, None)
            if request is None:
                return False
            self._unsent = (json.dumps(request) + "\n").encode()
        with suppress(BlockingIOError):
            self._write()
        return True

    def read(self) -> list[base.Completion] | None:
        """Return what arrived, or None once the replica has answered all and ended."""
        try:
            lines = self._lines()
        except EOFError:
            return None
        return [base.Completion(*one) for line in lines for one in line["done"]]

    def end(self) -> None:
        """Wait a little for the process, then kill it."""
        with suppress(OSError):
            os.close(self.answers)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self.requests, self._unsent) :]
        except BrokenPipeError:
            self._unsent = b""

    def _lines(self) -> list[dict[str, Any]]:
        """Return the lines that arrived; EOFError at a good end, UserError at a bad one."""
        data = os.read(self.answers, 1 << 20)
        if not data:
            status = self.process.wait()
            if status:
                raise RuntimeError(
                    f"a replica of the engine ended with status {status}; see the log"
                )
            raise EOFError
        *whole, self._received = (self._received + data).split(b"\n")
        lines = [json.loads(line) for line in whole]
        for line in lines:
            if "error" in line:
                raise (UserError if line["user"] else RuntimeError)(line["error"])
        return lines
