"""The hits of a retriever for each question of a data set, with retrieval metrics.

Needs: resources/indexes/{corpus}/{retriever}, questions.parquet, passages.parquet
Makes: results/{experiment}/retrieval/{dataset}/{retriever}.parquet and .json
"""


rule retrieve_passages:
    input:
        questions=lambda wildcards: questions(wildcards.dataset),
        passages=lambda wildcards: passages(wildcards.dataset),
        index=ancient(index_of),
        index_manifest=manifests_of(index_of),
        hits=upstream_hits,
        encoder=ancient(query_encoder),
        encoder_manifest=manifests_of(query_encoder),
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
        mem_mb=mem_mb_by_corpus(4000, 16000),
        runtime=runtime_per_attempt(720),
        gpu=gpus,
        nodes=1,
    params:
        entry=search_params("params", lambda wildcards: CONFIG.datasets[wildcards.dataset].corpus),
        hardware=hardware_params(CONFIG.retrievers, "retriever"),
        code=code_digest_of_kind(
            "retrieve_passages", CONFIG.retrievers, "retriever", lambda e: {"retrieval": e.kind}
        ),
    script:
        "../workflow/scripts/retrieve_passages.py"
