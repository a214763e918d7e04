"""Runs a script's ``main`` as a watched job: its log, memory, events and end."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from slmrag.config.redaction import redact
from slmrag.errors import UserError
from slmrag.job import gpu_lock
from slmrag.job.attempts import MAINTENANCE_RULES, latest_attempt
from slmrag.job.failed_jobs import repeated_failure
from slmrag.job.job_info import Job, read_job
from slmrag.job.log import JobLog
from slmrag.job.monitor import Watchers, swallow_errors
from slmrag.job.signals import Deadline, exit_at_once, kill_children

EXIT_TERMINATED = 128 + signal.SIGTERM
EXIT_INTERRUPTED = 128 + signal.SIGINT
MAIN_PROCESS = os.getpid()
RANK_VARIABLES = ("RANK", "SLURM_PROCID")
SIGNAL_EXITS = (EXIT_TERMINATED, EXIT_INTERRUPTED)
STATUS_OF_EXIT = {0: "completed", EXIT_TERMINATED: "killed", EXIT_INTERRUPTED: "killed"}

ADVICE_ON_MACHINE = {
    "No space left on device": "free some space",
    "Disk quota exceeded": "free some of the quota",
    "Read-only file system": "make the file system writable",
}

Results = Mapping[str, Any] | None
Main = Callable[[Any, Any, Any], Results]


class Terminated(BaseException):
    """The job was told to end by SIGTERM."""


def run_job(snakemake: Any, main: Main) -> None:
    """Run ``main(input, output, params)`` as a watched job; exit with 1 or 143 if it fails.

    Snakemake retries every failed job. One that would only meet the same mistake ends at once with
    the same message: reading a corpus up to its bad line takes minutes.
    """
    add_job_resources(snakemake)
    job = read_job(snakemake)
    known = repeated_failure(job.rule, job.folder)
    with JobLog(log_path(job), event_log(job, bool(known))) as log:
        if known:
            status, _ = report_error(job, log, UserError(known))
        else:
            status = run_watched(
                job, log, lambda: main(snakemake.input, snakemake.output, snakemake.params)
            )
        if status in SIGNAL_EXITS:
            kill_children()  # they hold the log open
    if status in SIGNAL_EXITS:
        exit_at_once(status)
    if status:
        sys.exit(status)


def event_log(job: Job, again: bool) -> Path | None:
    """Return the event log that a job's log belongs to, None if it reports no events.

    A job that only meets its last attempt's mistake ``again`` goes on in that attempt's log.
    """
    if not is_reporting(job):
        return None
    last = latest_attempt(job.folder) if again else None
    return last.path if last else job.attempt


def log_path(job: Job) -> str | None:
    """Return the declared log; another rank than 0 writes into a file of its own beside it."""
    rank = next(filter(None, map(rank_of, RANK_VARIABLES)), "")
    if not job.log or not rank:
        return job.log
    path = Path(job.log)
    return str(path.with_name(f"{path.stem}.rank-{rank}{path.suffix}"))


def rank_of(variable: str) -> str:
    """Return the rank of this process by an environment variable, empty for rank 0."""
    return os.environ.get(variable, "").lstrip("0")


def add_job_resources(snakemake: Any) -> None:
    """Add GPUs, threads and MB of memory to ``params.hardware``, if a rule has that param.

    ``gpus_asked`` are the GPUs that the entry itself asks for: these a job cannot do without.
    ``gpus_shown`` are those of the machine, where the entry says nothing of GPUs.
    """
    hardware = getattr(snakemake.params, "hardware", None)
    if hardware is None:
        return
    given = {name: snakemake.resources.get(name) for name in ("gpu", "mem_mb")}
    hardware["gpus_shown"] = gpu_lock.count_gpus() if hardware.get("gpus") is None else 0
    hardware["gpus_asked"] = int(hardware.get("gpus") or 0)
    hardware |= {"gpus": int(given["gpu"] or 0), "threads": int(snakemake.threads)}
    if given["mem_mb"]:
        hardware["mem_mb"] = int(given["mem_mb"])


def run_watched(job: Job, log: JobLog, work: Callable[[], Results]) -> int:
    """Run ``work`` between a start and an end event; return the exit status."""
    with suppress(ValueError):  # signals belong to the main thread
        signal.signal(signal.SIGTERM, terminate)
    watchers: Watchers | None = None
    deadline: Deadline | None = None
    status, error, mistake, devices = 0, None, False, ExitStack()
    try:
        with suppress(ValueError):
            deadline = Deadline(lambda: watchers.write_killed() if watchers else None)
        devices.enter_context(gpu_lock.hold_gpus(int(job.resources.get("gpu") or 0)))
        with swallow_errors("start"):
            watchers = Watchers.start(job, log) if is_reporting(job) else None
        results = work() or {}
        if watchers:
            with swallow_errors("record"):
                watchers.record(job, results)
    except BaseException as exception:
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        status, error = report_error(job, log, exception)
        mistake = isinstance(exception, UserError)
    finally:
        if watchers:
            watchers.finish(job, STATUS_OF_EXIT.get(status, "failed"), error, mistake)
        devices.close()
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if deadline and status not in SIGNAL_EXITS:
            deadline.close()
    return status


def terminate(signum: int, frame: Any) -> None:
    """Raise Terminated on SIGTERM; a forked child, which inherits this handler, just exits."""
    if os.getpid() != MAIN_PROCESS:
        os._exit(EXIT_TERMINATED)
    raise Terminated


def is_reporting(job: Job) -> bool:
    """Return whether this process reports events: only rank 0, and no maintenance rule."""
    return job.rule not in MAINTENANCE_RULES and not any(map(rank_of, RANK_VARIABLES))


def report_error(job: Job, log: JobLog, exception: BaseException) -> tuple[int, str]:
    """Show the error in one line on the terminal; return the exit status and the full text."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()  # what was printed comes before the error
    if isinstance(exception, UserError):
        log.say(f"error: {exception}")
        print(redact(f"error: {exception}"), file=sys.stderr)
        return 1, str(exception)
    text = redact("".join(traceback.format_exception(exception)))
    print(text, file=sys.stderr, flush=True)
    signals = {Terminated: EXIT_TERMINATED, KeyboardInterrupt: EXIT_INTERRUPTED}
    if type(exception) in signals:
        log.say(f"{job.rule}: ended by a signal")
        return signals[type(exception)], text
    advice = advice_on_machine(text) + (f"; see {log.path}" if log.path else "")
    log.say(f"error: {job.rule}: {type(exception).__name__}: {exception}{advice}")
    return 1, text


def advice_on_machine(story: str) -> str:
    """Return advice on an error of the machine, or an empty string."""
    found = next((todo for words, todo in ADVICE_ON_MACHINE.items() if words in story), None)
    return f"; {found}, then run again: what is done stays" if found else ""
