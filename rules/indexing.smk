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
        encoder_manifest=manifest(encoder),
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
        mem_mb=fitting(4000, 16000),
        runtime=lasting(720),
        gpu=gpus,
        nodes=1,
    params:
        entry=entry(CONFIG.retrievers, "retriever", "build_params"),
        hardware=hardware(CONFIG.retrievers, "retriever"),
        shard=lambda wildcards: int(wildcards.shard),
        shards=lambda wildcards: int(wildcards.shards),
        code=code("encode_passages"),
    script:
        "../workflow/scripts/encode_passages.py"


rule index_passages:
    input:
        passages="resources/corpora/{corpus}/passages.parquet",
        encoder=ancient(encoder),
        encoder_manifest=manifest(encoder),
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
        mem_mb=fitting(4000, 16000),
        runtime=lasting(720),
        gpu=gpus,
        nodes=1,
    params:
        entry=searched_by("build_params", lambda wildcards: named(wildcards, "corpus")),
        hardware=hardware(CONFIG.retrievers, "retriever"),
        code=code_by(
            "index_passages",
            CONFIG.retrievers,
            "retriever",
            lambda e: {package_of(e.kind): e.kind},
        ),
    script:
        "../workflow/scripts/index_passages.py"
