"""Nothing that the demo starts outlives it, whatever session it makes for itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo import guard

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RUNNER = """
import os, sys
from pathlib import Path
from demo import guard
print(os.getpid(), flush=True)
guard.run(["sh", "-c", "setsid sleep 100 & sleep 100"], Path(sys.argv[1]), os.environ, Path("."))
"""


def until(condition, seconds=10.0):
    """Whether a condition becomes true within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.05)
    return condition()


def test_status_is_returned(tmp_path):
    """A command's exit status comes back."""
    assert guard.run(["sh", "-c", "exit 3"], tmp_path, os.environ, tmp_path) == 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_descendants_end_with_the_demo(tmp_path, number):
    """After SIGKILL or SIGINT of the demo no descendant runs on, in whatever session."""
    with subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path)], cwd=ROOT) as runner:
        assert until(lambda: len(guard.marked(tmp_path)) >= 3)
        runner.send_signal(number)
    assert until(lambda: not guard.marked(tmp_path))


def test_strangers_are_left_alone(tmp_path):
    """Only processes that carry this folder's mark are ended."""
    other = tmp_path / "other"
    environment = os.environ | {guard.MARK: str(other)}
    with subprocess.Popen(["sleep", "100"], env=environment) as stranger:
        assert until(lambda: guard.marked(other) == [stranger.pid])
        assert guard.end_marked(tmp_path) == 0
        assert stranger.poll() is None
        assert guard.end_marked(other) == 1
