"""Which jobs a plan would run, a line each, with the reason: `make explain FILE=…`.

A logger plugin of Snakemake's, found by its name below PYTHONPATH: ``--logger explain``.
"""

import logging
import sys
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

WIDTH = 300
"""Characters of a reason: that of a report names all that it is made from."""


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
            print(line(vars(record)))
        elif record.levelno >= logging.WARNING:
            self.silent = False
            print(self.format(record), file=sys.stderr)

    def close(self) -> None:
        """Say that nothing would run, where nothing else was said."""
        if self.silent:
            self.silent = False
            print("nothing would run: all of it is there and up to date")
        super().close()


def line(job: dict[str, Any]) -> str:
    """Return a job's rule and the values of its wildcards, and Snakemake's reason for it."""
    name = "/".join([job["rule_name"], *map(str, (job["wildcards"] or {}).values())])
    reason = " ".join(str(job["reason"]).split())
    return f"{name}: {reason if len(reason) <= WIDTH else f'{reason[:WIDTH]} …'}"
