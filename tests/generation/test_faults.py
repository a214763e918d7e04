"""The whole generate job in processes of their own, with the echo engine, under bad conditions."""

import resource
import shutil
import signal
import time

import pytest

from tests.generation import job_process
from tests.generation.conftest import job_spec, write_prompts

pytestmark = pytest.mark.slow

COUNT = 2000


@pytest.fixture
def job(tmp_path):
    """Start a job of 2,000 prompts in a folder of its own, over one journal."""
    table = write_prompts(tmp_path / "a.parquet", COUNT)

    def start(name, **options):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        spec = job_spec(folder, [table], None, engine="echo", options={"answer": "yes " * 10})
        spec["params"]["model"]["options"] |= options
        spec["params"]["journal"] = str(tmp_path / "shared" / "journal")
        return job_process.start(folder, spec), folder

    return start


def finished(process, folder):
    """Wait for a job that must end well; return the bytes of its answers."""
    assert process.wait(120) == 0, (folder / "stderr").read_text()
    return (folder / "out" / "a.parquet").read_bytes()


def done(tmp_path):
    """Return the number of completions in the journal."""
    return len(job_process.lines(tmp_path / "shared"))


def test_a_full_disk_amid_the_journal_loses_nothing_finished(job, tmp_path):
    """A job whose journal may not grow says so in one sentence; the next takes up from there."""
    limit = 200_000
    process, folder = job("full")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    assert process.wait(120) == 1
    told = (folder / "stderr").read_text()
    assert "cannot write the journal" in told and "make room and run again" in told
    assert "Traceback" not in told
    kept = done(tmp_path)
    assert 0 < kept < COUNT
    assert not (folder / "out").exists()
    resumed = finished(*job("resumed"))
    assert done(tmp_path) == COUNT
    assert resumed == finished(*job("again"))


def test_two_jobs_over_one_journal_write_the_same_bytes(job, tmp_path):
    """Two jobs that run at once neither wait for nor harm each other."""
    both = [job("one"), job("two")]
    first, second = (finished(*one) for one in both)
    assert first == second == finished(*job("third"))


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_loses_no_finished_completion(job, tmp_path, ending):
    """Whatever ends the job, the next one generates what is missing, to the same bytes."""
    process, _ = job("killed", delay=0.01)
    deadline = time.monotonic() + 120
    while not done(tmp_path):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    job_process.end(process, ending)
    kept = done(tmp_path)
    assert 0 < kept < COUNT
    resumed = finished(*job("resumed"))
    assert done(tmp_path) == COUNT
    shutil.rmtree(tmp_path / "shared")
    assert resumed == finished(*job("whole"))


def test_a_job_that_finds_everything_is_over_within_seconds(job, tmp_path):
    """With all in the journal no engine library is imported, and it takes less than 5 s."""
    finished(*job("first"))
    limit, began = job_process.patience(), time.monotonic()
    process, folder = job("again")
    finished(process, folder)
    assert time.monotonic() - began < max(limit, job_process.patience())
    assert done(tmp_path) == COUNT
