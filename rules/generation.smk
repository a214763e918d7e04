"""A model's answers: one job a model (one engine start) or one a cell, as generation.batch says.

Needs: prompts/{dataset}/{mode}.parquet, resources/models/{model}
Makes: results/{experiment}/answers/{model}/{dataset}/{mode}.parquet, timings/ beside it
"""

PER_CELL = CONFIG.generation.batch == "cell"
JOB_CELLS = ["{dataset}/{mode}"] if PER_CELL else sorted(CELLS)
MODEL_FILES = {model: files_of_model(model) for model in CONFIG.models}
JOB_WILDCARDS = "{model}/{dataset}/{mode}" if PER_CELL else "{model}"


rule generate_answers:
    input:
        unpack(cache_signature(lambda wildcards: MODEL_FILES[wildcards.model])),
        prompts=expand("<results>/prompts/{cell}.parquet", cell=JOB_CELLS),
    output:
        answers=expand("<results>/answers/{{model}}/{cell}.parquet", cell=JOB_CELLS),
        timings=expand("<results>/timings/{{model}}/{cell}.parquet", cell=JOB_CELLS),
    log:
        f"logs/generate_answers/{JOB_WILDCARDS}.log",
    benchmark:
        f"benchmarks/generate_answers/{JOB_WILDCARDS}.tsv"
    conda:
        "../envs/generation.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: attempt * CONFIG.models[wildcards.model].memory(),
        runtime=lambda wildcards, attempt: runtime_for(
            CONFIG.models[wildcards.model].minutes(), attempt
        ),
        gpu=lambda wildcards: CONFIG.models[wildcards.model].gpu_count(),
        nodes=1,
    params:
        model=config_params(CONFIG.models, "model"),
        sampling=CONFIG.sampling.params(),
        cells=JOB_CELLS,
        journal=with_module_prefix("resources/journal"),
        hardware=hardware_params(CONFIG.models, "model"),
        code=code_digest_of_kind(
            "generate_answers", CONFIG.models, "model", lambda e: {"engines": e.engine}
        ),
    script:
        "../workflow/scripts/generate_answers.py"
