"""Which failed jobs are tried again: not those of data that ended over a mistake of the user's.

Needs: results/{experiment}/jobs/{rule}/{wildcards}/events.jsonl
Makes: nothing. Snakemake knows no such end, so its jobs are asked here how often they may be tried.
A mistake in a job with an engine may be a matter of memory or of the node: that one is tried again.
"""

from pathlib import Path

from slmrag.dag.failed_jobs import ended_by_mistake
from snakemake.jobs import Job

DETERMINED = {
    "prepare_corpus",
    "prepare_dataset",
    "audit_dataset",
    "build_prompts",
    "score_answers",
    "report_comparison",
    "verify",
    "compare",
}


def chances(job):
    """Return how often Snakemake may try a job again."""
    wildcards = [ENTRIES.get(value, value) for value in job.wildcards_dict.values()]
    folder = Path(PLACE, "jobs", job.rule.name, *wildcards)
    if job.rule.name in DETERMINED and ended_by_mistake(folder):
        return 0
    return job.rule.restart_times


Job.restart_times = property(chances)
