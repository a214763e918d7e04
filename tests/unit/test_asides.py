"""What is typed becomes the command that Snakemake understands."""

import sys

from slmrag.dag.cli import replaced
from slmrag.dag.dry_run import jobs

SAID = """\
Building DAG of jobs...
rule build_prompts:
    output: results/x/prompts/nq/one.parquet
    reason: Params have changed since last execution: before: 2 now: 1
    wildcards: dataset=nq, mode=one
[Sat Nov 21 07:49:32 2026]
rule report_comparison:
    output: results/x/a.csv, results/x/b.csv
    reason: Missing output files: results/x/a.csv; Input files updated by another job: p, q
"""


def test_explain_never_builds_the_file_beside_it():
    """`explain FILE` is taken away from Snakemake, which would make FILE."""
    command = replaced(["--configfile", "c.yaml", "--", "explain", "a.csv"], None)
    assert command == [
        sys.executable,
        "-m",
        "slmrag.dag.dry_run",
        *["--configfile", "c.yaml", "--", "a.csv"],
    ]


def test_a_command_that_makes_nothing_gets_a_core():
    """`journal` runs with one core where none is said, and as it is typed where some are."""
    assert replaced(["journal"], None)[2:] == ["snakemake", "--cores", "1", "journal"]
    assert replaced(["journal", "-c2"], 2) is None
    assert replaced(["all"], None) is None


def test_a_plan_is_read_with_its_reasons():
    """A dry run's jobs are told with their wildcards and their own reason."""
    first, last = jobs(SAID)
    assert (first.name, last.name) == ("build_prompts/nq/one", "report_comparison")
    assert first.why() == "Params have changed since last execution: before: 2 now: 1"
    assert last.why() == "what it makes is not there"
    assert last.outputs == ["results/x/a.csv", "results/x/b.csv"]
