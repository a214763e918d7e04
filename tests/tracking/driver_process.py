"""A run in a process of its own: the driver's hooks around some jobs, each a process too."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from slmrag.tracking import workflow_run

JOB = str(Path(__file__).with_name("job_process.py"))


def run_one(job):
    """Run a job to its end; return its status, seconds and terminal."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, JOB, json.dumps(job)], capture_output=True, text=True)
    return [done.returncode, time.monotonic() - begun, done.stdout + done.stderr]


def main(description):
    """Run the jobs that a JSON text describes between the hooks, or die without the second."""
    wanted = json.loads(description)
    config = {"experiment": "exp", "tracking": wanted["tracking"]}
    workflow_run.start(config)
    time.sleep(wanted["idle"])
    print(json.dumps([run_one(job) for job in wanted["jobs"]]), flush=True)
    if wanted["status"] == "vanish":
        os.kill(os.getpid(), 9)
    begun = time.monotonic()
    workflow_run.finish(config, wanted["status"])
    print(time.monotonic() - begun)


if __name__ == "__main__":
    main(sys.argv[1])
