"""The one line that watches a job: its log, its memory, its events and its end."""

import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from slmrag import events
from slmrag.errors import UserError
from slmrag.joblog import JobLog
from slmrag.memory import Sampler
from slmrag.redaction import clean_text
from slmrag.tracking.attempts import begin
from slmrag.tracking.description import Job, describe
from slmrag.tracking.launch import Publisher, launch
from slmrag.tracking.settings import settings

TERMINATED = 128 + signal.SIGTERM
INTERRUPTED = 128 + signal.SIGINT
STATUS = {0: "completed", TERMINATED: "killed", INTERRUPTED: "killed"}
UNTRACKED = frozenset({"sync_tracking"})

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
    watchers = None
    status, story = 0, None
    try:
        watchers = Watchers.start(job)
        record(job, work() or {})
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
    """Turn SIGTERM into an orderly end."""
    raise Terminated


@dataclass
class Watchers:
    """What runs beside a job: its event log, its memory sampler, its publisher."""

    journal: events.EventLog
    sampler: Sampler
    publisher: Publisher | None

    @classmethod
    def start(cls, job: Job) -> "Watchers":
        """Open the job's events, say what runs, and start sampling and sending."""
        path = begin(job.folder, job.id)
        journal = events.EventLog(path)
        events.use(journal)
        journal.write("start", **job.beginning())
        wanted = job.rule not in UNTRACKED
        publisher = launch(path, job.results, job.tracking) if wanted else None
        interval = settings(job.tracking).interval_seconds
        sampler = Sampler(journal, job.folder / "memory_usage.json", interval)
        if publisher:
            sampler.without.add(publisher.process.pid)
        sampler.start()
        return cls(journal, sampler, publisher)

    def finish(self, job: Job, status: int, story: str | None) -> None:
        """Write how the job ended, and let go of the publisher, whatever else fails."""
        word = STATUS.get(status, "failed")
        with suppress(Exception):
            self.sampler.finish(word)
        with suppress(Exception):
            peaks = {"peak": self.sampler.peaks, "components": self.sampler.components}
            self.journal.write("end", status=word, error=story, **peaks)
        events.use(None)
        self.journal.close()
        if self.publisher:
            self.publisher.finish()


def record(job: Job, results: Mapping[str, Any]) -> None:
    """Report what ``main`` returned and the files that it wrote."""
    for name, value in results.items():
        events.single(name, value)
    for name, files in job.outputs.items():
        for number, path in enumerate(files):
            events.artifact(name if len(files) == 1 else f"{name}_#{number}", path)


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
