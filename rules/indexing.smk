"""An index of a corpus for each retriever.

Needs: resources/corpora/{corpus}/passages.parquet, resources/encoders/{retriever} for dense ones;
       here {corpus} and {retriever} are an entry's name and its digits
Makes: resources/indexes/{corpus}/{retriever} + .json, its digest; resources/vectors/{corpus}/{retriever}/ where the
       encoding is shared by several jobs
"""

from slmrag.indexing import package_of


rule encode_passages:
    input:
        passages="resources/corpora/{corpus}/passages.parquet",
        encoder=ancient(encoder),
        encoder_manifest=manifests_of(encoder),
    output:
        vectors="resources/vectors/{corpus}/{retriever}/{shard}-of-{shards}.npy",
        facts="resources/vectors/{corpus}/{retriever}/{shard}-of-{shards}.json",
    log:
        "logs/encode_passages/{corpus}/{retriever}/{shard}-of-{shards}.log",
    benchmark:
        "benchmarks/encode_passages/{corpus}/{retriever}/{shard}-of-{shards}.tsv"
    wildcard_constraints:
        retriever=grid.pattern(KEYS.indexes.values()),
    conda:
        "../envs/retrieval.yaml"
    threads: 8
    resources:
        mem_mb=mem_mb_by_corpus(4000, 16000),
        runtime=runtime_per_attempt(720),
        gpu=gpus,
        nodes=1,
    params:
        entry=config_params(CONFIG.retrievers, "retriever", "build_params"),
        hardware=hardware_params(CONFIG.retrievers, "retriever"),
        shard=lambda wildcards: int(wildcards.shard),
        shards=lambda wildcards: int(wildcards.shards),
        code=code_digest("encode_passages"),
    script:
        "../workflow/scripts/encode_passages.py"


rule index_passages:
    input:
        passages="resources/corpora/{corpus}/passages.parquet",
        encoder=ancient(encoder),
        encoder_manifest=manifests_of(encoder),
        vectors=vectors,
        vector_facts=lambda wildcards: [path[: -len("npy")] + "json" for path in vectors(wildcards)],
    output:
        index=directory("resources/indexes/{corpus}/{retriever}"),
        manifest="resources/indexes/{corpus}/{retriever}.json",
    log:
        "logs/index_passages/{corpus}/{retriever}.log",
    benchmark:
        "benchmarks/index_passages/{corpus}/{retriever}.tsv"
    wildcard_constraints:
        retriever=grid.pattern(KEYS.indexes.values()),
    conda:
        "../envs/retrieval.yaml"
    threads: 8
    resources:
        mem_mb=mem_mb_by_corpus(4000, 16000),
        runtime=runtime_per_attempt(720),
        gpu=gpus,
        nodes=1,
    params:
        entry=search_params("build_params", lambda wildcards: entry_name(wildcards, "corpus")),
        hardware=hardware_params(CONFIG.retrievers, "retriever"),
        code=code_digest_of_kind(
            "index_passages",
            CONFIG.retrievers,
            "retriever",
            lambda e: {package_of(e.kind): e.kind},
        ),
    script:
        "../workflow/scripts/index_passages.py"
