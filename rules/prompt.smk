"""The passages that each question is asked with, the same for every model.

Needs: questions.parquet, the template, and for retriever context the hits and passages.parquet
Makes: results/{experiment}/prompts/{dataset}/{mode}.parquet
"""


def hits_of(wildcards):
    """Return the hits that a mode reads, or nothing."""
    retriever = CONFIG.modes[wildcards.mode].retriever
    return [f"{RESULTS}/retrieval/{wildcards.dataset}/{retriever}.parquet"] if retriever else []


def passages_of(wildcards):
    """Return the corpus that a mode's hits point into, or nothing."""
    retriever = CONFIG.modes[wildcards.mode].retriever
    return [f"resources/corpora/{corpus_of(wildcards.dataset)}/passages.parquet"] if retriever else []


rule build_prompts:
    input:
        questions="resources/datasets/{dataset}/questions.parquet",
        template=lambda wildcards: template(wildcards.mode),
        hits=hits_of,
        passages=passages_of,
    output:
        prompts=RESULTS + "/prompts/{dataset}/{mode}.parquet",
    log:
        "logs/build_prompts/{dataset}/{mode}.log",
    benchmark:
        "benchmarks/build_prompts/{dataset}/{mode}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=grown(4000),
    params:
        entry=entry("modes"),
        dataset="{dataset}",
        code=code("build_prompts"),
    script:
        "../workflow/scripts/build_prompts.py"
