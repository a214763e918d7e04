"""The one line that watches a job: its log, its memory, its events and its end."""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from slmrag import events
from slmrag.errors import UserError
from slmrag.joblog import JobLog
from slmrag.memory import Sampler
from slmrag.redaction import clean_text
from slmrag.tracking import alerts, outputs
from slmrag.tracking.attempts import UNTRACKED, begin
from slmrag.tracking.description import Job, describe
from slmrag.tracking.launch import Publisher, launch
from slmrag.tracking.settings import settings

TERMINATED = 128 + signal.SIGTERM
INTERRUPTED = 128 + signal.SIGINT
OWNER = os.getpid()
STATUS = {0: "completed", TERMINATED: "killed", INTERRUPTED: "killed"}

Results = Mapping[str, Any] | None
Main = Callable[[Any, Any, Any], Results]


class Terminated(BaseException):
    """The job was told to end by SIGTERM."""


def run_job(snakemake: Any, main: Main) -> None:
    """Run ``main(input, output, params)`` as a watched job; exit with 1 or 143 if it fails."""
    job = describe(snakemake)
    with JobLog(job.log) as log:
        status = watch(job, log, lambda: main(snakemake.input, snakemake.output, snakemake.params))
    if status:
        sys.exit(status)


def watch(job: Job, log: JobLog, work: Callable[[], Results]) -> int:
    """Run ``work`` between a start and an end event; return the exit status."""
    with suppress(ValueError):  # signals belong to the main thread
        signal.signal(signal.SIGTERM, terminate)
    watchers: Watchers | None = None
    status, story = 0, None
    try:
        with harmless("start"):
            watchers = Watchers.start(job, log) if first_rank() else None
        results = work() or {}
        if watchers:
            with harmless("record"):
                watchers.record(job, results)
    except BaseException as exception:
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        status, story = explain(job, log, exception)
    finally:
        if watchers:
            watchers.finish(job, status, story)
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return status


def terminate(signum: int, frame: Any) -> None:
    """Turn SIGTERM into an orderly end; a forked child, which inherits this, just ends."""
    if os.getpid() != OWNER:
        os._exit(TERMINATED)
    raise Terminated


@contextmanager
def harmless(what: str) -> Iterator[None]:
    """Log a failure of the watchers; it never costs a result."""
    try:
        yield
    except Exception:
        logging.getLogger(__name__).warning("tracking: %s failed", what, exc_info=True)


def first_rank() -> bool:
    """Say whether this process reports: of several that run one job, only rank 0 does."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "SLURM_PROCID"))


@dataclass
class Watchers:
    """What runs beside a job: its event log, its memory sampler, its publisher."""

    journal: events.EventLog
    sampler: Sampler
    publisher: Publisher | None

    @classmethod
    def start(cls, job: Job, log: JobLog) -> "Watchers":
        """Open the job's events, say what runs, and start sampling and sending."""
        path = begin(job.folder, job.id)
        journal = events.EventLog(path)
        events.use(journal)
        journal.write("start", **job.beginning())
        if model := outputs.model(job):
            journal.write("model", **model)
        wanted = job.rule not in UNTRACKED
        publisher = launch(path, job.results, job.tracking) if wanted else None
        interval = settings(job.tracking).interval_seconds
        sampler = Sampler(journal, job.folder / "memory_usage.json", interval)
        beside = [it.process for it in (publisher, log) if it and it.process]
        sampler.without |= {process.pid for process in beside}
        sampler.start()
        return cls(journal, sampler, publisher)

    def record(self, job: Job, results: Mapping[str, Any]) -> None:
        """Report what the job made, and where it is beyond what the config expects of it."""
        outputs.report(job, results)
        for name, message in alerts.result_alerts(settings(job.tracking).alerts, results):
            self.alert(name, message)

    def alert(self, name: str, message: str) -> None:
        """Report an alert, in the log too."""
        events.emit("alert", name=name, message=message)
        logging.getLogger(__name__).warning("alert: %s", message)

    def finish(self, job: Job, status: int, story: str | None) -> None:
        """Write how the job ended, and let go of the publisher, whatever else fails."""
        word = STATUS.get(status, "failed")
        with harmless("memory"):
            self.sampler.finish(word)
            events.artifact("memory_usage", self.sampler.path, **self.sampler.peaks)
        with harmless("alerts"):
            found = alerts.facts(self.sampler.peaks, self.sampler.seconds, job.resources)
            for name, message in alerts.machine_alerts(settings(job.tracking).alerts, found):
                self.alert(name, message)
        with harmless("end"):
            peaks = {"peak": self.sampler.peaks, "components": self.sampler.components}
            self.journal.write("end", status=word, error=story, **peaks)
        events.use(None)
        self.journal.close()
        if self.publisher:
            self.publisher.finish()


def explain(job: Job, log: JobLog, exception: BaseException) -> tuple[int, str]:
    """Tell the user in one line what went wrong; return the exit status and the whole story."""
    if isinstance(exception, UserError):
        log.say(f"error: {exception}")
        print(clean_text(f"error: {exception}"), file=sys.stderr)
        return 1, str(exception)
    story = clean_text("".join(traceback.format_exception(exception)))
    print(story, file=sys.stderr, flush=True)
    signals = {Terminated: TERMINATED, KeyboardInterrupt: INTERRUPTED}
    if type(exception) in signals:
        log.say(f"{job.rule}: ended by a signal")
        return signals[type(exception)], story
    place = f"; see {log.path}" if log.path else ""
    log.say(f"error: {job.rule}: {type(exception).__name__}: {exception}{place}")
    return 1, story
