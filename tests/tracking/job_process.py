"""A job in a process of its own, as Snakemake would start it."""

import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from slmrag.errors import UserError
from slmrag.job import events
from slmrag.job.run import run_job


def complete(input, output, params):
    """Write the output and report some of everything."""
    print("working with", params.get("model", "no model"), flush=True)
    with events.component("model"):
        time.sleep(params.get("seconds", 0))
    for step in range(3):
        events.scalar("loss/train", 1 / (step + 1), step)
    Path(output.scores).write_text("the same bytes")
    return {"token_recall": 0.5, "questions": 3, "truncated_share": 0.25, "engine": "echo"}


def mistake(input, output, params):
    """Fail by the user's fault."""
    raise UserError("file x: line 3 has no question; add one")


def crash(input, output, params):
    """Fail by our own."""
    raise ZeroDivisionError("told to crash")


def vanish(input, output, params):
    """Die without a word, as of memory."""
    time.sleep(params.get("seconds", 0))
    os.kill(os.getpid(), 9)


def terminated(input, output, params):
    """Be told to end."""
    os.kill(os.getpid(), 15)
    time.sleep(10)


def leak(input, output, params):
    """Say secrets in every way there is."""
    secret = os.environ["PLANTED_SECRET"]
    print("printed", secret, flush=True)
    os.system("echo child says $PLANTED_SECRET; echo and $PLANTED_SECRET >&2")
    events.single("note", f"a {secret} in a value")
    events.table("rows", [{"column": secret}])
    Path(output.scores).write_text("clean")
    if params.get("raise"):
        raise RuntimeError(f"failed with {secret}")
    return {"result": f"again {secret}"}


def talk(input, output, params):
    """Say something, and then end well, fail or be killed."""
    sys.stdout.write(params["say"])
    if params["end"] == "raise":
        raise RuntimeError("and failed")
    if params["end"] == "kill":
        sys.stdout.flush()
        os.kill(os.getpid(), 9)


MAINS = {f.__name__: f for f in (complete, mistake, crash, vanish, terminated, leak, talk)}


def main(description):
    """Run the job that a JSON text describes, in the present folder."""
    wanted = json.loads(description)
    name = wanted.get("name", "one")
    params = {"model": {"checkpoint": "hf:org/tiny", "revision": "abc"}, **wanted.get("params", {})}
    snakemake = SimpleNamespace(
        rule=wanted.get("rule", "score_answers"),
        wildcards={"model": wanted.get("model", "tiny"), "dataset": "nq", "mode": name},
        params=params,
        input=SimpleNamespace(),
        output=SimpleNamespace(scores=f"{name}.txt"),
        log=[f"logs/{name}.log"],
        config={"experiment": "exp", "tracking": wanted.get("tracking", {})},
        threads=1,
        resources={"mem_mb": 1000},
    )
    run_job(snakemake, MAINS[wanted["main"]])


if __name__ == "__main__":
    main(sys.argv[1])
