"""Small language models on question answering: without context, with gold passages, with a retriever's."""

from snakemake.utils import min_version

min_version("9.27")


container: "docker://condaforge/miniforge3:24.9.2-0"


include: "rules/parse.smk"


if not CONFIG_FILES:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/params.smk"
include: "rules/storage.smk"
include: "rules/data.smk"
include: "rules/indexing.smk"
include: "rules/retrieval.smk"
include: "rules/prompts.smk"
include: "rules/generation.smk"
include: "rules/scoring.smk"
include: "rules/report.smk"
include: "rules/check.smk"
include: "rules/maintenance.smk"


if CONFIG.judge:

    include: "rules/grade.smk"


include: "rules/settings.smk"


rule all:
    default_target: True
    input:
        rules.report_comparison.output,
    localrule: True


rule retrieval:
    input:
        expand("<results>/retrieval/{run}.json", run=RUNS),
    localrule: True


rule answers:
    input:
        expand("<results>/answers/{model}/{cell}.parquet", model=CONFIG.models, cell=CELLS),
    localrule: True


rule report:
    input:
        rules.report_comparison.output,
    localrule: True
