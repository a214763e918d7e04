"""Retrieval runs held against published scores: `snakemake --cores all check_reference --configfile config/reference.yaml`.

Needs: results/{experiment}/retrieval/{dataset}/{retriever}.json, workflow/reference/retrieval.yaml
Makes: results/{experiment}/retrieval/reference.json, or an error that names the scores that differ
"""


rule check_reference:
    input:
        reference=beside("workflow", "reference", "retrieval.yaml"),
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
        mem_mb=grown(1000),
        runtime=lasting(60),
    params:
        runs=RUNS,
        code=code("check_reference"),
    script:
        "../workflow/scripts/check_reference.py"
