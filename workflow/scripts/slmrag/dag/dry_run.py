"""What Snakemake plans, read from a dry run, and why.

``python -m slmrag.dag.dry_run ARGUMENTS OF SNAKEMAKE`` says for the files named there which jobs
would run first, each with its reason.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from slmrag.errors import UserError

BLOCK = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?: {4}.*\n)*)", re.MULTILINE)
UPSTREAM = "Input files updated by another job"
WIDTH = 300


@dataclass(frozen=True)
class Planned:
    """A job that a dry run plans."""

    rule: str
    fields: dict[str, str]

    @property
    def name(self) -> str:
        """Return the rule and the values of its wildcards, joined by slashes."""
        wildcards = self.fields.get("wildcards", "")
        values = (pair.split("=", 1)[1] for pair in wildcards.split(", ") if pair)
        return "/".join([self.rule, *values])

    @property
    def outputs(self) -> list[str]:
        """Return the files that the job makes."""
        return [name for name in self.fields.get("output", "").split(", ") if name]

    def why(self) -> str:
        """Return the job's own reason, or that it follows from the jobs above it."""
        reasons = [part.strip() for part in self.fields.get("reason", "").split("; ")]
        own = [part for part in reasons if part and not part.startswith(UPSTREAM)]
        own = [part for part in own if not part.startswith("Missing output")] + [
            "what it makes is not there" for part in own if part.startswith("Missing output")
        ]
        text = "; ".join(own) or "what it reads is made anew"
        return text if len(text) <= WIDTH else f"{text[:WIDTH]} …"


def jobs(said: str) -> list[Planned]:
    """Return the jobs of what a dry run printed, those that are needed first first."""
    return [Planned(rule, _fields(body)) for rule, body in BLOCK.findall(said)]


def _fields(body: str) -> dict[str, str]:
    lines = (line.strip().partition(": ") for line in body.splitlines())
    return {key: value for key, _, value in lines}


def plan(command: list[str], folder: Path | None = None) -> list[Planned]:
    """Return the jobs that a dry run plans; UserError with Snakemake's words where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = done.stdout.rpartition("Building DAG of jobs...")[2].strip()
        raise UserError(said or done.stderr.strip())
    return jobs(done.stdout)


def explain(arguments: list[str]) -> str:
    """Return what would run to make the files of a command line, a line a job, with its reason."""
    planned = plan([sys.executable, "-m", "snakemake", "--dry-run", *arguments])
    lines = [f"{job.name}: {job.why()}" for job in planned]
    return "\n".join(lines) or "nothing would run: all of it is there and up to date"


if __name__ == "__main__":
    try:
        print(explain(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"error: {error}")
