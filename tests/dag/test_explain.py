"""A planned job is told in a line with its reason."""

import logging

from snakemake_logger_plugin_explain import MAX_REASON_CHARACTERS, LogHandler, job_line

JOB = {"rule_name": "build_prompts", "wildcards": {"dataset": "nq", "mode": "one"}}
CHANGED = "Params have changed since last execution:\n    before: 2 now: 1"


def test_a_job_is_told_with_its_wildcards_and_its_reason():
    """Several lines become one; a rule without wildcards is told by its name alone."""
    said = job_line(JOB | {"reason": CHANGED})
    assert said == (
        "build_prompts/nq/one: Params have changed since last execution: before: 2 now: 1"
    )
    assert job_line({"rule_name": "all", "wildcards": {}, "reason": "Rules with …"}).startswith(
        "all: "
    )


def test_a_long_reason_is_cut():
    """A report's reason names hundreds of files: its beginning is enough."""
    said = job_line(JOB | {"reason": "x" * 1000})
    assert len(said) == len("build_prompts/nq/one: ") + MAX_REASON_CHARACTERS + len(" …")


def test_only_jobs_and_trouble_are_told(capsys):
    """Jobs go to stdout, errors to stderr, and an empty plan is said to be one."""
    handler = LogHandler(None, None)
    handler.emit(logging.makeLogRecord({"msg": "Building DAG of jobs...", "levelno": logging.INFO}))
    handler.close()
    assert capsys.readouterr() == ("nothing would run: everything is there and up to date\n", "")
    handler = LogHandler(None, None)
    handler.emit(logging.makeLogRecord(JOB | {"event": "job_info", "reason": CHANGED}))
    handler.emit(logging.makeLogRecord({"msg": "no rule", "levelno": logging.ERROR}))
    handler.close()
    said, trouble = capsys.readouterr()
    assert said.startswith("build_prompts/nq/one: Params") and trouble == "no rule\n"
