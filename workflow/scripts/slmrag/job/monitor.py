"""The watchers that run beside a job: event log, memory sampler, publisher."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from slmrag.job import alerts, events, outputs
from slmrag.job.attempts import begin_attempt
from slmrag.job.job_info import Job
from slmrag.job.log import JobLog
from slmrag.job.memory import Sampler
from slmrag.tracking.settings import settings
from slmrag.tracking.start_publisher import Publisher, start_publisher


@contextmanager
def swallow_errors(what: str) -> Iterator[None]:
    """Log an error of the watchers instead of raising it: it never costs a result."""
    try:
        yield
    except Exception as error:
        logging.getLogger(__name__).warning("tracking: %s failed: %s", what, error)
        logging.getLogger(__name__).info("where it failed", exc_info=True)


@dataclass
class Watchers:
    """The watchers of one job."""

    event_log: events.EventLog
    sampler: Sampler
    publisher: Publisher | None
    job: Job
    alerted: set[str] = field(default_factory=set)

    @classmethod
    def start(cls, job: Job, log: JobLog) -> "Watchers":
        """Open the job's event log, write the start event, and start sampling and sending."""
        path = begin_attempt(job.folder, job.id)
        event_log = events.EventLog(path)
        events.use_log(event_log)
        event_log.write("start", **job.start_fields())
        if model := outputs.model_facts(job):
            event_log.write("model", **model)
        publisher = start_publisher(path, job.results, job.tracking)
        interval = settings(job.tracking).interval_seconds
        sampler = Sampler(event_log, job.folder / "memory_usage.json", interval)
        beside = [it.process for it in (publisher, log) if it and it.process]
        sampler.without |= {process.pid for process in beside}
        sampler.about = {"attempt": job.id}
        watchers = cls(event_log, sampler, publisher, job)
        sampler.watch = watchers.check_limits
        sampler.start()
        return watchers

    def record(self, job: Job, results: Mapping[str, Any]) -> None:
        """Report the job's outputs, and alerts for results beyond the limits of the config."""
        outputs.report_outputs(job, results)
        for name, message in alerts.result_alerts(settings(job.tracking).alerts, results):
            self.alert(name, message)

    def check_limits(self) -> None:
        """Alert once, as soon as a limit on time or memory is exceeded."""
        limits = settings(self.job.tracking).alerts
        found = alerts.limit_facts(self.sampler.peaks, self.sampler.seconds, self.job.resources)
        for name, message in alerts.machine_alerts(limits, found):
            if name not in self.alerted:
                self.alerted.add(name)
                self.alert(name, message)

    def alert(self, name: str, message: str) -> None:
        """Report an alert, in the log too."""
        events.emit("alert", name=name, message=message)
        logging.getLogger(__name__).warning("alert: %s", message)

    def write_killed(self) -> None:
        """Write that the job was killed, when there is no time for an orderly end."""
        peaks = {"peak": self.sampler.peaks, "components": self.sampler.components}
        error = "ended by a signal, before it could end in order"
        self.event_log.write("end", status="killed", error=error, **peaks)
        self.sampler.write("killed")

    def finish(self, job: Job, status: str, error: str | None, mistake: bool = False) -> None:
        """Write how the job ended, and release the publisher, whatever else fails."""
        with swallow_errors("memory"):
            self.sampler.finish(status)
            peaks: dict[str, Any] = self.sampler.peaks
            events.artifact("memory_usage", self.sampler.path, **peaks)
        with swallow_errors("alerts"):
            self.check_limits()
        with swallow_errors("end"):
            peaks = {"peak": self.sampler.peaks, "components": self.sampler.components}
            self.event_log.write("end", status=status, error=error, mistake=mistake, **peaks)
        events.use_log(None)
        self.event_log.close()
        if self.publisher:
            self.publisher.finish()
