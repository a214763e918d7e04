"""Checks of finished work: is the report correct, what differs from another experiment, and does
retrieval reach the published scores (`snakemake --cores all check_reference --configfile config/reference.yaml`).

Needs: inputs and outputs of report_comparison; hits and the passages that they refer to;
       expected scores; results/{against}/report; workflow/reference/retrieval.yaml
Makes: nothing (verify), results/{experiment}/report/against_{other}.md (compare),
       results/{experiment}/retrieval/reference.json (check_reference), or an error that names the differences
"""

import sys

from slmrag.errors import UserError

SHIPPED_SCORES = repository_file("tests", "data", "expected_scores.json")

try:
    if IS_DRIVER and "compare" in sys.argv[1:]:
        local_files.report_to_compare(CONFIG.against, CONFIG.experiment)
except UserError as error:
    raise WorkflowError(str(error)) from None


rule verify:
    input:
        **dict(rules.report_comparison.input.items()),
        html=rules.report_comparison.output.html,
        hits=expand("<results>/retrieval/{run}.parquet", run=RUNS),
        searched=[passages(run.split("/")[0]) for run in RUNS],
        expected=[
            *filter(os.path.exists, [SHIPPED_SCORES]),
            *map(local, filter(None, [CONFIG.expected])),
        ],
    log:
        "logs/verify.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(4000),
        runtime=runtime_per_attempt(240),
    params:
        **dict(rules.report_comparison.params.items()),
    script:
        "../workflow/scripts/verify_report.py"


rule compare:
    input:
        now=rules.report_comparison.output.html,
        before=compared_report,
    output:
        page=f"<results>/report/against_{CONFIG.against}.md",
    log:
        "logs/compare.log",
    benchmark:
        "benchmarks/compare.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(4000),
        runtime=runtime_per_attempt(240),
    params:
        metrics=CONFIG.metrics.params(),
        code=code_digest("compare_experiments"),
    script:
        "../workflow/scripts/compare_experiments.py"


rule check_reference:
    input:
        reference=repository_file("workflow", "reference", "retrieval.yaml"),
        metrics=expand("<results>/retrieval/{run}.json", run=RUNS),
    output:
        verdicts="<results>/retrieval/reference.json",
    log:
        "logs/check_reference.log",
    benchmark:
        "benchmarks/check_reference.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(1000),
        runtime=runtime_per_attempt(60),
    params:
        runs=RUNS,
        code=code_digest("check_reference"),
    script:
        "../workflow/scripts/check_reference.py"
