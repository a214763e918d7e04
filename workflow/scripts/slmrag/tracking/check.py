"""Checks the connection to the tracker step by step, and prints a line for each step.

``python -m slmrag.tracking.check [CONFIG]`` reads the config's ``tracking`` (config/config.yaml).
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slmrag.config.redaction import redact
from slmrag.errors import UserError
from slmrag.tracking.probe import ProbeError, Step
from slmrag.tracking.settings import Settings, settings


def steps(chosen: Settings) -> list[Step]:
    """Return the steps of a backend; each may need those before it."""
    return {"clearml": _clearml, "mlflow": _mlflow}[chosen.backend](chosen)


def _clearml(chosen: Settings) -> list[Step]:
    from slmrag.tracking.clearml import check

    return check.steps(chosen)


def _mlflow(chosen: Settings) -> list[Step]:
    from slmrag.tracking.mlflow import check

    return check.steps(chosen)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after ``seconds``, even inside a library."""

    def late(signum: int, frame: Any) -> None:
        raise TimeoutError(f"no answer in {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_steps(chosen: Settings, names: set[str] | None = None) -> Iterator[tuple[str, bool, str]]:
    """Yield (step, whether it worked, what was found); end after the first failure."""
    known: dict[str, Any] = {}
    for name, step in steps(chosen):
        if names is not None and name not in names:
            continue
        begun = time.monotonic()
        try:
            with time_limit(chosen.deadline_seconds):
                found = step(known)
        except Exception as error:
            kind = "" if isinstance(error, ProbeError) else f"{type(error).__name__}: "
            yield name, False, redact(f"{kind}{error}").replace("\n", " ")[:500]
            return
        yield name, True, redact(f"{found} ({time.monotonic() - begun:.2f} s)")


def find_problem(chosen: Settings) -> str | None:
    """Return in one sentence why the tracker cannot be used, None if it can."""
    needed = {"configuration", "host", "server", "credentials", "experiment"}
    for name, worked, found in run_steps(chosen, needed):
        if not worked:
            return f"{chosen.backend}: {name}: {found}"
    return None


def read_settings(path: Path) -> Settings:
    """Return the tracking part of a config file, or the defaults if there is no file."""
    from pydantic import ValidationError

    from slmrag.config.error_messages import problems_message, validation_sentences
    from slmrag.config.tracking import TrackingEntry
    from slmrag.config.yaml_files import merge_cli_config
    from slmrag.config.yaml_scalars import resolve_scalars

    whole = merge_cli_config([path] if path.is_file() else [], [])
    raw, experiment = whole.get("tracking"), resolve_scalars(whole.get("experiment"), str)
    try:
        entry = TrackingEntry.model_validate(
            resolve_scalars({} if raw is None else raw, TrackingEntry)
        )
    except ValidationError as error:
        raise UserError(problems_message(validation_sentences(error, TrackingEntry))) from None
    return settings(entry.params() | {"experiment": experiment})


def main(path: str = "config/config.yaml") -> int:
    """Print a line for each step; return 1 if one failed."""
    chosen = read_settings(Path(path))
    print(f"tracking: backend {chosen.backend}, mode {chosen.mode} ({path})")
    if not chosen.is_on:
        return 0
    worked = True
    for name, worked, found in run_steps(chosen):
        print(f"{'ok  ' if worked else 'FAIL'}  {name}: {found}", flush=True)
    return 0 if worked else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:2]))
    except UserError as error:
        sys.exit(f"error: {error}")
