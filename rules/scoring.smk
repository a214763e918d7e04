"""Scores of each answer by its question's references, in jobs of the same cells as generation.

Needs: answers/{model}/{dataset}/{mode}.parquet, questions.parquet, prompts/{dataset}/{mode}.parquet
Makes: results/{experiment}/scores/{model}/{dataset}/{mode}.parquet and .json
"""


rule score_answers:
    input:
        answers=expand("<results>/answers/{{model}}/{cell}.parquet", cell=JOB_CELLS),
        questions=questions_of_job,
        prompts=expand("<results>/prompts/{cell}.parquet", cell=JOB_CELLS),
    output:
        scores=expand("<results>/scores/{{model}}/{cell}.parquet", cell=JOB_CELLS),
        summaries=expand("<results>/scores/{{model}}/{cell}.json", cell=JOB_CELLS),
    log:
        f"logs/score_answers/{JOB_WILDCARDS}.log",
    benchmark:
        f"benchmarks/score_answers/{JOB_WILDCARDS}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(2000),
        runtime=runtime_per_attempt(240),
    params:
        metrics=CONFIG.metrics.params(),
        cells=cells_of_job,
        code=code_digest("score_answers"),
    script:
        "../workflow/scripts/score_answers.py"
