"""An index of a corpus for each retriever.

Needs: resources/corpora/{corpus}/passages.parquet, resources/encoders/{retriever} for dense ones
Makes: resources/indexes/{corpus}/{retriever}
"""


rule index_passages:
    input:
        passages="resources/corpora/{corpus}/passages.parquet",
        encoder=encoder,
        encoder_manifest=encoder_manifest,
    output:
        index=directory("resources/indexes/{corpus}/{retriever}"),
    log:
        "logs/index_passages/{corpus}/{retriever}.log",
    benchmark:
        "benchmarks/index_passages/{corpus}/{retriever}.tsv"
    conda:
        "../envs/retrieval.yaml"
    threads: 8
    resources:
        mem_mb=grown(16000),
        gpu=lambda wildcards: CONFIG.retrievers[wildcards.retriever].gpu_count(),
    params:
        entry=lambda wildcards: CONFIG.retrievers[wildcards.retriever].build_params(),
        hardware=hardware(CONFIG.retrievers, "retriever"),
        code=lambda wildcards: code("index_passages", retrievers=kind_of(wildcards)),
    script:
        "../workflow/scripts/index_passages.py"
