"""Each answer against its question's references.

Needs: answers/{model}/{dataset}/{mode}.parquet, questions.parquet, prompts/{dataset}/{mode}.parquet
Makes: results/{experiment}/scores/{model}/{dataset}/{mode}.parquet and .json
"""


rule score_answers:
    input:
        answers="<results>/answers/{model}/{dataset}/{mode}.parquet",
        questions="resources/datasets/{dataset}/questions.parquet",
        prompts="<results>/prompts/{dataset}/{mode}.parquet",
    output:
        scores="<results>/scores/{model}/{dataset}/{mode}.parquet",
        summary="<results>/scores/{model}/{dataset}/{mode}.json",
    log:
        "logs/score_answers/{model}/{dataset}/{mode}.log",
    benchmark:
        "benchmarks/score_answers/{model}/{dataset}/{mode}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=grown(2000),
    params:
        metrics=CONFIG.metrics.params(),
        cell=lambda wildcards: dict(wildcards.items()),
        code=code("score_answers"),
    script:
        "../workflow/scripts/score_answers.py"
