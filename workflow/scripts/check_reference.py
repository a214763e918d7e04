"""Compare the retrieval runs with published scores."""

import logging
from pathlib import Path

import yaml
from slmrag.errors import UserError
from slmrag.files import read_json, write_json
from slmrag.job.run import run_job
from slmrag.retrieval.published_scores import verdicts


def main(input, output, params):
    """Write a verdict on each published score; UserError if one differs or none is comparable."""
    published = yaml.safe_load(Path(input.reference).read_text(encoding="utf-8"))
    measured = zip(params.runs, map(read_json, input.metrics), strict=True)
    rows = verdicts(published, dict(measured))
    for row in rows:
        text = "%(run)s %(metric)s: published %(published)s, measured %(measured)s: %(verdict)s"
        logging.getLogger(__name__).warning(text, row)
    wrong = [f"{row['run']} {row['metric']}" for row in rows if row["verdict"] == "differs"]
    if wrong:
        raise UserError(
            f"{len(wrong)} of {len(rows)} scores differ from the published ones: {', '.join(wrong)}"
        )
    if not any(row["verdict"] == "ok" for row in rows):
        raise UserError(
            f"none of {len(rows)} published scores is comparable with these runs, so nothing was "
            "checked; use --configfile config/reference.yaml"
        )
    write_json(rows, output.verdicts)
    return {"ok": sum(row["verdict"] == "ok" for row in rows), "scores": len(rows)}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
