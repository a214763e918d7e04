"""The prompts: each question with its passages, the same for every model.

Needs: questions.parquet, the template, and for retriever context the hits and passages.parquet
Makes: results/{experiment}/prompts/{dataset}/{mode}.parquet
"""

TEMPLATES = {name: template_file(mode.prompt) for name, mode in CONFIG.modes.items()}


rule build_prompts:
    input:
        questions=lambda wildcards: questions(wildcards.dataset),
        template=lambda wildcards: TEMPLATES[wildcards.mode],
        hits=hits_of,
        passages=passages_of,
    output:
        prompts="<results>/prompts/{dataset}/{mode}.parquet",
    log:
        "logs/build_prompts/{dataset}/{mode}.log",
    benchmark:
        "benchmarks/build_prompts/{dataset}/{mode}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(4000),
        runtime=runtime_per_attempt(240),
    params:
        entry=config_params(CONFIG.modes, "mode"),
        dataset="{dataset}",
        code=code_digest("build_prompts"),
    script:
        "../workflow/scripts/build_prompts.py"
