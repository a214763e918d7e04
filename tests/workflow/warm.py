"""`snakemake` by a fork of a process that has imported it: a start costs half of a cold one's.

``run`` gives what ``subprocess.run`` does. Run as a script, this file is that process: it reads a
line of JSON for each call, and writes the exit status into the call's folder.
"""

import atexit
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from threading import Lock

POLL_SECONDS = 0.02
_WRITING = Lock()


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess:
    """Run ``python -m snakemake`` with arguments in a folder, and wait for its end."""
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        call = Path(name)
        asked = {"call": name, "cwd": str(folder), "env": dict(os.environ), "argv": arguments}
        with _WRITING:
            server = _server()
            print(json.dumps(asked), file=server.stdin, flush=True)
        while not (call / "status").exists():
            assert server.poll() is None, "the process that forks snakemake is gone"
            time.sleep(POLL_SECONDS)
        status = int((call / "status").read_text())
        texts = [(call / stream).read_text() for stream in ("stdout", "stderr")]
    return subprocess.CompletedProcess(arguments, status, *texts)


@cache
def _server() -> subprocess.Popen:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(Path(__file__).resolve())]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=clean)
    atexit.register(server.stdin.close)
    return server


def serve() -> None:
    """Answer calls; returns in the process that is to be `snakemake`."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes of calls
    for line in sys.stdin:
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asked = json.loads(line)
            if snakemake := os.fork():
                ended = os.waitstatus_to_exitcode(os.waitpid(snakemake, 0)[1])
                Path(asked["call"], "part").write_text(str(ended))
                os.rename(Path(asked["call"], "part"), Path(asked["call"], "status"))
                os._exit(0)
            return become(asked)
    os._exit(0)


def become(asked: dict) -> None:
    """Take up a call's folder, environment, words and streams, as a new process has them."""
    streams = [os.open(os.devnull, os.O_RDONLY)]
    new = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    streams += [os.open(Path(asked["call"], name), new) for name in ("stdout", "stderr")]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    tempfile.tempdir = None
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [asked["cwd"], *filter(None, named)]
    sys.argv[1:] = asked["argv"]


if __name__ == "__main__":
    import snakemake.cli  # noqa: F401

    serve()
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
