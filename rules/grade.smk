"""A judge's grade of each answer, for the data sets that the config names.

Needs: answers, questions.parquet, the judge's checkpoint and template
Makes: results/{experiment}/grades/{model}/{dataset}/{mode}.parquet and .json, by one engine start
"""

JUDGE_FOLDERS = [f"resources/judges/{KEYS.judge}"] if CONFIG.judge.model.checkpoint else []
GRADED = sorted("/".join(row) for row in grid.graded_cells(CONFIG))


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
        storage=unrecorded(lambda wildcards: access_params(CONFIG.judge.model.checkpoint)),
        content=LOCAL.get(resource_keys.source(CONFIG.judge.model, "checkpoint").label),
        code=code_digest("download_model"),


rule grade_answers:
    input:
        **own_files(CONFIG.judge.model),
        answers=expand("<results>/answers/{row}.parquet", row=GRADED),
        questions=[questions(row.split("/")[1]) for row in GRADED],
        template=template_file(CONFIG.judge.prompt),
        checkpoint=JUDGE_FOLDERS,
        manifest=[f"{folder}.json" for folder in JUDGE_FOLDERS],
    output:
        grades=expand("<results>/grades/{row}.parquet", row=GRADED),
        summaries=expand("<results>/grades/{row}.json", row=GRADED),
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
        cells=[dict(zip(("model", "dataset", "mode"), row.split("/"))) for row in GRADED],
        journal=with_module_prefix("resources/journal"),
        hardware=unrecorded(lambda wildcards: CONFIG.judge.model.hardware()),
        code=code_digest("grade_answers", engines=CONFIG.judge.model.engine),
    script:
        "../workflow/scripts/grade_answers.py"
