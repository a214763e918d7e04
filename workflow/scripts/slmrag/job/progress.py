"""A progress bar on the terminal and in the events; the job's other output goes to its log."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from slmrag.job import events
from slmrag.job.progress_events import Pace

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


class Bar:
    """A bar on the terminal whose state is also a ``progress`` event from time to time."""

    def __init__(self, drawn: Any, name: str, unit: str):
        """Report what a tqdm bar shows, under a name that stays."""
        self._drawn, self._unit = drawn, unit.strip()
        self._done: float = 0
        self._is_open = True
        self._pace = Pace(name)

    def __enter__(self) -> "Bar":
        """Return the bar."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Close the bar."""
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Yield what the bar was made over, and count it."""
        with self:
            for item in self._drawn.iterable:
                yield item
                self.update(1)

    @property
    def desc(self) -> str:
        """The text before the bar."""
        return self._drawn.desc

    def set_description(self, text: str) -> None:
        """Change the text before the bar."""
        self._drawn.set_description(text)

    def update(self, count: float = 1) -> None:
        """Advance the bar."""
        self._drawn.update(count)
        self._done += count
        self._report()

    def close(self) -> None:
        """End the bar; a second call does nothing."""
        self._drawn.close()
        if self._is_open:
            self._is_open = False
            self._report(last=True)

    def _report(self, last: bool = False) -> None:
        rate = self._pace.rate(self._done, last)
        if rate is not None:
            about = {"name": self._pace.name, "unit": self._unit, "per_second": rate}
            events.emit(
                "progress", done=events.plain_value(self._done), total=self._drawn.total, **about
            )


class Speed:
    """A series ``per second/NAME`` of how fast something grows, by the rhythm of the bars."""

    def __init__(self, name: str):
        """Begin at nothing done."""
        self._pace = Pace(f"per second/{name}")

    def update(self, done: float) -> None:
        """Report the speed if it is due; ``done`` is how much there is by now."""
        rate = self._pace.rate(done)
        if rate is not None:
            events.scalar(self._pace.name, rate)


def bar(
    iterable: Iterable[Any] | None = None,
    total: float | None = None,
    desc: str | None = None,
    unit: str = "it",
    unit_scale: bool = False,
    shown: bool = True,
) -> Bar:
    """Return a tqdm bar that is reported; outside a terminal it is drawn only every 30 seconds."""
    from tqdm import tqdm

    stream = terminal()
    screen = stream.isatty()
    drawn = tqdm(
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
    return Bar(drawn, desc or "progress", unit)
