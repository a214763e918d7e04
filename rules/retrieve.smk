"""The hits of a retriever for each question of a data set, with retrieval metrics.

Needs: resources/indexes/{corpus}/{retriever}, questions.parquet, passages.parquet
Makes: results/{experiment}/retrieval/{dataset}/{retriever}.parquet and .json
"""


rule retrieve_passages:
    input:
        questions="resources/datasets/{dataset}/questions.parquet",
        passages=lambda wildcards: f"resources/corpora/{corpus_of(wildcards.dataset)}/passages.parquet",
        index=index_of,
        hits=upstream_hits,
        encoder=query_encoder,
        encoder_manifest=query_encoder_manifest,
    output:
        hits="<results>/retrieval/{dataset}/{retriever}.parquet",
        metrics="<results>/retrieval/{dataset}/{retriever}.json",
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
        entry=entry(CONFIG.retrievers, "retriever"),
        hardware=hardware(CONFIG.retrievers, "retriever"),
        code=lambda wildcards: code("retrieve_passages", retrievers=kind_of(wildcards)),
    script:
        "../workflow/scripts/retrieve_passages.py"
