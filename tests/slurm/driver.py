"""A `snakemake --profile slurm` at work, and what its jobs say of themselves."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.slurm.processes import output, wait
from tests.workflow.project import ROOT, Project

PROFILE = str(ROOT / "profiles/slurm")
# Only how soon and how often is asked: the profile asks as seldom as a real cluster likes it.
HASTE = ["--slurm-init-seconds-before-status-checks", "1"]


@dataclass
class Driver:
    """A snakemake process in a project's folder."""

    project: Project
    process: subprocess.Popen
    said: Path
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """Return what the driver printed."""
        return self.said.read_text()

    def finish(self, seconds: float = 900) -> None:
        """Wait until the driver ends well; show all it said where it does not."""
        assert self.process.wait(seconds) == 0, self.log

    def kill(self) -> None:
        """End the driver as a lost login node would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def starts(self, model: str) -> list[dict]:
        """Return the start event of each execution of a model's generation, by time."""
        return starts(self.project, f"generate_answers/{model}")

    def job(self, model: str, executions: int = 1) -> dict:
        """Return the latest start of a model's generation, once it has answered something."""
        wait(lambda: len(self.starts(model)) >= executions or self._over(), "no start")
        started = self.starts(model)[-1]
        wait(lambda: has_answered(started) or self._over(), "no answer")
        return started

    def fail(self, seconds: float = 300) -> None:
        """Wait until the driver ends badly."""
        assert self.process.wait(seconds) != 0, self.log

    def environment(self, model: str) -> dict[str, str]:
        """Return the environment that a model's running job sees."""
        raw = Path(f"/proc/{self.job(model)['pid']}/environ").read_text()
        return dict(pair.split("=", 1) for pair in raw.split("\0") if "=" in pair)

    def _over(self) -> bool:
        assert self.process.poll() is None, self.log
        return False


@contextmanager
def through_slurm(project: Project, *args: str) -> Iterator[Driver]:
    """Run the workflow through Slurm; nothing of it outlives the block."""
    said = project.folder / "driver.log"
    with open(said, "w") as file:
        python, _, _, *rest = project.command("--profile", PROFILE, *HASTE, *args)
        command = [python, str(ROOT / "tests/slurm/fast_polling.py"), *rest]
        process = subprocess.Popen(
            command, cwd=project.folder, stdout=file, stderr=file, preexec_fn=on_two_cores
        )
    try:
        yield Driver(project, process, said)
    finally:
        process.kill()
        process.wait()


def on_two_cores() -> None:
    """Leave this process two cores: a login node has few, and jobs may ask for more."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def starts(project: Project, job: str) -> list[dict]:
    """Return the start event of each execution of a job, and when it ended, by time."""
    attempts = sorted((project.folder / "results/tiny/jobs" / job).glob("**/attempts/*.jsonl"))
    events = (whole_lines(path) for path in attempts)
    return [lines[0] | {"end": lines[-1]["time"]} for lines in events if lines]


def whole_lines(path: Path) -> list[dict]:
    """Return the events of a log; a last line that is still being written is none."""
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n") and line.strip()]


def slurm_job(start: dict) -> dict[str, str]:
    """Return what Slurm knows of the job of an execution, by Slurm's names."""
    said = output("scontrol", "show", "job", start["cluster_job"])
    return dict(pair.split("=", 1) for pair in said.split() if "=" in pair)


def executions(project: Project) -> Counter:
    """Return how often each job ran: rule/wildcards -> times."""
    events = [e for e in starts(project, "") if e["rule"] != "workflow"]
    return Counter("/".join([e["rule"], *e["wildcards"].values()]) for e in events)


def completions(project: Project) -> list[dict]:
    """Return all completions of the journal, as they were written."""
    paths = sorted((project.folder / "resources/journal").glob("*/*.jsonl"))
    return [line for path in paths for line in whole_lines(path) if "digest" in line]


def answers(project: Project) -> dict[str, bytes]:
    """Return the bytes of the answer tables, by model, data set and mode."""
    folder = project.folder / "results/tiny/answers"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def unfinished(project: Project) -> list[str]:
    """Return the files that a cut-off job left under a temporary name."""
    return [str(path) for path in project.folder.glob("re*/**/.*.part")]


def has_answered(start: dict) -> bool:
    """Say whether an execution, by its start event, has a completion in its journal by now."""
    try:
        held = [os.readlink(fd) for fd in Path(f"/proc/{start['pid']}/fd").iterdir()]
        mine = [path for path in held if "/journal/" in path]
        return any('"digest"' in Path(path).read_text() for path in mine)
    except OSError:
        return False
