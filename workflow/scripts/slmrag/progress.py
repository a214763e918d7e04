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


def bar(
    iterable: Iterable[Any] | None = None,
    total: float | None = None,
    desc: str | None = None,
    unit: str = "it",
    unit_scale: bool = False,
) -> Any:
    """Return a tqdm bar; where the terminal is a file it moves every 30 seconds only."""
    from tqdm import tqdm

    stream = terminal()
    return tqdm(
        iterable,
        total=total,
        desc=desc,
        unit=unit,
        unit_scale=unit_scale,
        file=stream,
        dynamic_ncols=True,
        mininterval=0.2 if stream.isatty() else PLAIN_SECONDS,
    )
