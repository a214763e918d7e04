"""A model's answers: one job a model (one engine start) or one a cell, as generation.batch says.

Needs: prompts/{dataset}/{mode}.parquet, resources/models/{model}
Makes: results/{experiment}/answers/{model}/{dataset}/{mode}.parquet, timings/ beside it
"""

PER_CELL = CONFIG.generation.batch == "cell"
JOB_CELLS = ["{dataset}/{mode}"] if PER_CELL else CELLS
JOB = "{model}/{dataset}/{mode}" if PER_CELL else "{model}"


def checkpoint(wildcards):
    """Return the checkpoint folder of a model that is run here, or nothing."""
    here = CONFIG.models[wildcards.model].checkpoint
    return [f"resources/models/{wildcards.model}"] if here else []


def manifest(wildcards):
    """Return the manifest beside the checkpoint's folder, or nothing."""
    return [f"{folder}.json" for folder in checkpoint(wildcards)]


rule generate_answers:
    input:
        prompts=expand(RESULTS + "/prompts/{cell}.parquet", cell=JOB_CELLS),
        checkpoint=checkpoint,
        manifest=manifest,
    output:
        answers=expand(RESULTS + "/answers/{{model}}/{cell}.parquet", cell=JOB_CELLS),
        timings=expand(RESULTS + "/timings/{{model}}/{cell}.parquet", cell=JOB_CELLS),
    log:
        f"logs/generate_answers/{JOB}.log",
    benchmark:
        f"benchmarks/generate_answers/{JOB}.tsv"
    conda:
        "../envs/generation.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: attempt * CONFIG.models[wildcards.model].memory(),
        runtime=lambda wildcards: CONFIG.models[wildcards.model].runtime or 720,
        gpu=lambda wildcards: CONFIG.models[wildcards.model].gpu_count(),
    params:
        model=entry("models"),
        sampling=CONFIG.sampling.params(),
        cells=JOB_CELLS,
        journal=lambda wildcards, resources: "resources/journal",
        hardware=hardware("model"),
        code=code("generate_answers"),
    script:
        "../workflow/scripts/generate_answers.py"
