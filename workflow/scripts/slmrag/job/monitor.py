"""The watchers that run beside a job: event log and memory sampler."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slmrag.job import alerts, events, outputs
from slmrag.job.attempts import Attempt, begin_attempt
from slmrag.job.job_info import Job
from slmrag.job.log import JobLog
from slmrag.job.log_file import last_lines
from slmrag.job.memory import Sampler


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
    job: Job
    log: JobLog
    alerted: set[str] = field(default_factory=set)

    @classmethod
    def start(cls, job: Job, log: JobLog) -> "Watchers":
        """Open the job's event log, write the start event, and start sampling."""
        path = begin_attempt(job.folder, job.id)
        event_log = events.EventLog(path)
        events.use_log(event_log)
        event_log.write("start", **job.start_fields())
        if model := outputs.model_facts(job):
            event_log.write("model", **model)
        sampler = Sampler(event_log, job.folder / "memory_usage.json", job.sample_seconds)
        if log.process:
            sampler.without.add(log.process.pid)
        sampler.about = {"attempt": job.id}
        watchers = cls(event_log, sampler, job, log)
        sampler.watch = watchers.check_limits
        sampler.start()
        return watchers

    def record(self, job: Job, results: Mapping[str, Any]) -> None:
        """Report the job's outputs, and alerts for results beyond the limits of the config."""
        outputs.report_outputs(job, results)
        for name, message in alerts.result_alerts(job.limits, results):
            self.alert(name, message)

    def check_limits(self) -> None:
        """Alert once, as soon as a limit on time or memory is exceeded."""
        found = alerts.limit_facts(self.sampler.peaks, self.sampler.seconds, self.job.resources)
        for name, message in alerts.machine_alerts(self.job.limits, found):
            if name not in self.alerted:
                self.alerted.add(name)
                self.alert(name, message)

    def alert(self, name: str, message: str) -> None:
        """Report an alert, in the log too."""
        events.emit("alert", name=name, message=message)
        logging.getLogger(__name__).warning("alert: %s", message)

    @property
    def own_log(self) -> Path:
        """The attempt's own log, or the declared path where that is the log."""
        own = Attempt(self.job.attempt).log
        return own if own.exists() or not self.job.log else Path(self.job.log)

    def peaks(self) -> dict[str, Any]:
        """Return the peaks of memory, of the job and of its components."""
        return {"peak": self.sampler.peaks, "components": self.sampler.components}

    def write_killed(self) -> None:
        """Write that the job was killed, when there is no time for an orderly end."""
        error, said = "ended by a signal, before it could end in order", last_lines(self.own_log)
        self.event_log.write("end", status="killed", error=error, log_tail=said, **self.peaks())
        self.sampler.write("killed")

    def finish(self, job: Job, status: str, error: str | None, mistake: bool = False) -> None:
        """Write how the job ended, whatever else fails."""
        with swallow_errors("memory"):
            self.sampler.finish(status)
            peaks: dict[str, Any] = self.sampler.peaks
            events.artifact("memory_usage", self.sampler.path, **peaks)
        with swallow_errors("alerts"):
            self.check_limits()
        with swallow_errors("end"):
            self.log.settle()  # whoever reads the end may take the log for whole
            how: dict[str, Any] = {"status": status, "error": error, "mistake": mistake}
            if status != "completed":
                how["log_tail"] = last_lines(self.own_log)
            self.event_log.write("end", **how, **self.peaks())
        events.use_log(None)
        self.event_log.close()
