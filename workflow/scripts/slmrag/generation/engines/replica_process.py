"""The process of one replica of an engine: requests in by one pipe, completions out by another."""

import ctypes
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TextIO

from slmrag.errors import UserError
from slmrag.generation.engines import base, engine

PR_SET_PDEATHSIG = 1


def read_requests(pipe: TextIO) -> Iterator[base.Request]:
    """Yield what the parent asks, until it closes the pipe or is gone."""
    for line in pipe:
        yield base.Request(*json.loads(line))


def serve(pipe: TextIO, say: Any) -> None:
    """Start the engine that the first line describes, and answer all that follows."""
    spec = json.loads(pipe.readline())
    with engine(spec["engine"])(base.EngineConfig.from_json(spec["config"])) as running:
        say({"up": {"start_seconds": running.start_seconds, "about": running.about()}})
        for finished in running.answers(read_requests(pipe)):
            say({"done": finished})


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent is killed; elsewhere the closed pipe does."""
    with suppress(Exception):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(reads: int, writes: int) -> int:
    """Work; an error goes to the parent in one line. Return the exit status."""
    logging.basicConfig(level=logging.INFO)
    die_with_parent()

    def say(line: dict[str, Any]) -> None:
        data = (json.dumps(line) + "\n").encode()
        while data:
            data = data[os.write(writes, data) :]

    try:
        with os.fdopen(reads, encoding="utf-8") as pipe:
            serve(pipe, say)
    except Exception as error:
        traceback.print_exc()
        say({"error": f"{error}", "user": isinstance(error, UserError)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
