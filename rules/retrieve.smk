"""The hits of a retriever for each question of a data set, with retrieval metrics.

Needs: resources/indexes/{corpus}/{retriever}, questions.parquet, passages.parquet
Makes: results/{experiment}/retrieval/{dataset}/{retriever}.parquet and .json
"""


def corpus_of(dataset):
    """Return the corpus of a data set."""
    return CONFIG.datasets[dataset].corpus


rule retrieve_passages:
    input:
        questions="resources/datasets/{dataset}/questions.parquet",
        passages=lambda wildcards: f"resources/corpora/{corpus_of(wildcards.dataset)}/passages.parquet",
        index=lambda wildcards: f"resources/indexes/{corpus_of(wildcards.dataset)}/{wildcards.retriever}",
        encoder=encoder,
        encoder_manifest=encoder_manifest,
    output:
        hits=RESULTS + "/retrieval/{dataset}/{retriever}.parquet",
        metrics=RESULTS + "/retrieval/{dataset}/{retriever}.json",
    log:
        "logs/retrieve_passages/{dataset}/{retriever}.log",
    benchmark:
        "benchmarks/retrieve_passages/{dataset}/{retriever}.tsv"
    conda:
        "../envs/retrieval.yaml"
    threads: 8
    resources:
        mem_mb=grown(16000),
        gpu=lambda wildcards: CONFIG.retrievers[wildcards.retriever].gpu_count(),
    params:
        entry=entry("retrievers"),
        hardware=hardware("retriever"),
        code=code("retrieve_passages"),
    script:
        "../workflow/scripts/retrieve_passages.py"
