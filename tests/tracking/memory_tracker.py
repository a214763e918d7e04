"""A tracker in memory, and attempts to send to it."""

import json
import os
import time

from slmrag.job.attempts import begin_attempt

START = {
    "time": 100.0,
    "kind": "start",
    "id": "attempt-1",
    "run": None,
    "rule": "generate_answers",
    "wildcards": {"model": "tiny"},
    "experiment": "e",
    "params": {"cells": ["nq/no_context", "nq/oracle"], "sampling": {"temperature": 0.0}},
}


class Memory:
    """A tracker in memory that can be told to fail, at all or at files."""

    name = "memory"

    def __init__(self):
        self.tasks, self.lines, self.acts, self.links = {}, [], [], []
        self.broken, self.full, self.unnamed, self.refusals = False, False, False, 0

    def open(self, start, parent):
        return self.tasks.setdefault(start["id"], f"task of {start['id']}")

    def link(self, task, parent):
        self.links.append(parent)

    def keep_alive(self, task):
        self.acts.append(("alive", task))

    def register_files(self, task):
        if self.unnamed:
            raise OSError("no artifact for this task")

    def report(self, task, start, events, again):
        if self.broken:
            raise ConnectionError
        self.lines += [event for event in events if not (again and event in self.lines)]

    def act(self, task, start, event):
        if self.full and event["kind"] == "artifact":
            raise OSError("the store is full")
        if self.broken:
            raise ConnectionError
        self.acts.append(event)


def write(path, *events):
    """Append events to a log."""
    with path.open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def begin(results, name, **fields):
    """Begin an attempt of a job of that name."""
    path = begin_attempt(results / "jobs/generate_answers" / name, name)
    alive = {"host": os.uname().nodename, "pid": os.getpid(), "time": time.time()}
    write(path, START | alive | {"id": name, "run": "r"} | fields)
    return path
