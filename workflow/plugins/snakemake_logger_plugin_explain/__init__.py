"""Prints the jobs that a plan would run, a line each, with the reason: `make explain FILE=…`.

A logger plugin of Snakemake's, found by its name below PYTHONPATH: ``--logger explain``.
"""

import logging
import sys
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

MAX_REASON_CHARACTERS = 300
"""The reason of a report is long: it names all inputs."""


class LogHandler(LogHandlerBase):
    """Writes planned jobs to stdout, warnings and errors to stderr, and nothing else."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False
    silent = True

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a job, or a warning."""
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            self.silent = False
            print(job_line(vars(record)))
        elif record.levelno >= logging.WARNING:
            self.silent = False
            print(self.format(record), file=sys.stderr)

    def close(self) -> None:
        """Print that nothing would run, if nothing else was printed."""
        if self.silent:
            self.silent = False
            print("nothing would run: everything is there and up to date")
        super().close()


def job_line(job: dict[str, Any]) -> str:
    """Return a job's rule, the values of its wildcards, and Snakemake's reason to run it."""
    name = "/".join([job["rule_name"], *map(str, (job["wildcards"] or {}).values())])
    reason = " ".join(str(job["reason"]).split())
    if len(reason) > MAX_REASON_CHARACTERS:
        reason = f"{reason[:MAX_REASON_CHARACTERS]} …"
    return f"{name}: {reason}"
