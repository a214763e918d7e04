"""A progress bar that reaches the terminal while the job's own output goes to its log."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

_terminal: TextIO | None = None
PLAIN_SECONDS = 30.0


def show_on(stream: TextIO | None) -> None:
    """Draw later bars on ``stream`` (None: on standard error)."""
    global _terminal
    _terminal = stream


def terminal() -> TextIO:
    """Return the stream that the user sees."""
    return _terminal or sys.stderr


def fresh_line(stream: TextIO) -> str:
    """Return what begins a line of its own where any job may have left a bar open."""
    return "\r\x1b[K" if stream.isatty() else ""


class WholeLines:
    """A stream for bars that are not on a screen: each state is a line, so no line is torn."""

    def __init__(self, stream: TextIO):
        """Write to ``stream``."""
        self.stream = stream

    def write(self, text: str) -> None:
        """Write what is not blank as a line."""
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
    """Return a tqdm bar; where the terminal is a file it moves every 30 seconds only."""
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
        mininterval=0.2 if screen else PLAIN_SECONDS,
    )
