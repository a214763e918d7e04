"""A progress bar on the terminal, while the job's other output goes to its log."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

_terminal: TextIO | None = None
UPDATE_SECONDS = 30.0


def show_on(stream: TextIO | None) -> None:
    """Draw later bars on ``stream`` (None: on standard error)."""
    global _terminal
    _terminal = stream


def terminal() -> TextIO:
    """Return the stream that the user sees."""
    return _terminal or sys.stderr


def line_start(stream: TextIO) -> str:
    """Return the text that starts a new line where a job may have left a bar."""
    return "\r\x1b[K" if stream.isatty() else ""


class WholeLines:
    """A stream for bars outside a terminal: each state is a whole line."""

    def __init__(self, stream: TextIO):
        """Write to ``stream``."""
        self.stream = stream

    def write(self, text: str) -> None:
        """Write a text that is not blank as a line."""
        if text.strip():
            self.stream.write(f"{text.strip()}\n")

    def flush(self) -> None:
        """Pass everything on."""
        self.stream.flush()


def bar(
    iterable: Iterable[Any] | None = None,
    total: float | None = None,
    desc: str | None = None,
    unit: str = "it",
    unit_scale: bool = False,
    shown: bool = True,
) -> Any:
    """Return a tqdm bar; outside a terminal it is updated only every 30 seconds."""
    from tqdm import tqdm

    stream = terminal()
    screen = stream.isatty()
    return tqdm(
        iterable,
        total=total,
        desc=desc,
        unit=unit,
        unit_scale=unit_scale,
        disable=not shown,
        file=stream if screen else WholeLines(stream),
        dynamic_ncols=screen,
        mininterval=0.2 if screen else UPDATE_SECONDS,
    )
