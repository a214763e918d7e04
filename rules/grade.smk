"""A judge's grade of each answer, for the data sets in the config.

Needs: answers, questions.parquet, the judge's checkpoint and template
Makes: results/{experiment}/grades/{model}/{dataset}/{mode}.parquet and .json, by one engine start
"""

JUDGE_FOLDERS = [f"resources/judges/{KEYS.judge}"] if CONFIG.judge.model.checkpoint else []
GRADED_CELLS = sorted("/".join(row) for row in grid.graded_cells(CONFIG))


use rule download_model as download_judge with:
    output:
        checkpoint=directory(f"resources/judges/{KEYS.judge}"),
        manifest=f"resources/judges/{KEYS.judge}.json",
    log:
        "logs/download_judge.log",
    benchmark:
        "benchmarks/download_judge.tsv"
    localrule: True
    params:
        uri=resource_keys.source(CONFIG.judge.model, "checkpoint").uri,
        revision=CONFIG.judge.model.revision,
        allow_pickle=CONFIG.judge.model.allow_pickle,
        storage=param_without_rerun(lambda wildcards: access_params(CONFIG.judge.model.checkpoint)),
        content=LOCAL_DIGESTS.get(resource_keys.source(CONFIG.judge.model, "checkpoint").label),
        code=code_digest("download_model"),


rule grade_answers:
    input:
        **files_of_entry(CONFIG.judge.model),
        answers=expand("<results>/answers/{row}.parquet", row=GRADED_CELLS),
        questions=[questions(row.split("/")[1]) for row in GRADED_CELLS],
        template=template_file(CONFIG.judge.prompt),
        checkpoint=JUDGE_FOLDERS,
        manifest=[f"{folder}.json" for folder in JUDGE_FOLDERS],
    output:
        grades=expand("<results>/grades/{row}.parquet", row=GRADED_CELLS),
        summaries=expand("<results>/grades/{row}.json", row=GRADED_CELLS),
    log:
        "logs/grade_answers.log",
    benchmark:
        "benchmarks/grade_answers.tsv"
    conda:
        "../envs/generation.yaml"
    threads: 8
    resources:
        mem_mb=mem_mb_per_attempt(CONFIG.judge.model.memory()),
        runtime=runtime_per_attempt(CONFIG.judge.model.minutes()),
        gpu=CONFIG.judge.model.gpu_count(),
        nodes=1,
    params:
        model=CONFIG.judge.model.params(),
        sampling=CONFIG.judge.SAMPLING,
        metrics=CONFIG.metrics.params(),
        cells=[dict(zip(("model", "dataset", "mode"), row.split("/"))) for row in GRADED_CELLS],
        journal=with_module_prefix("resources/journal"),
        hardware=param_without_rerun(lambda wildcards: CONFIG.judge.model.hardware()),
        code=code_digest("grade_answers", engines=CONFIG.judge.model.engine),
    script:
        "../workflow/scripts/grade_answers.py"
