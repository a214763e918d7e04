"""Raw objects and checkpoints, verified, with a manifest of their files.

Needs: config objects, models, retrievers (encoders), storage
Makes: resources/raw/{object}, resources/models/{model}, resources/encoders/{retriever}, each + .json;
       a local source has the digest of its content in the folder's name, so an edit is noticed
"""


rule download_object:
    output:
        data=directory("resources/raw/{object}"),
        manifest="resources/raw/{object}.json",
    log:
        "logs/download_object/{object}.log",
    benchmark:
        "benchmarks/download_object/{object}.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(2000),
        runtime=runtime_per_attempt(240),
    params:
        entry=config_params(CONFIG.objects, "object"),
        storage=storage_params(CONFIG.objects, "object", "uri"),
        content=content_digest(CONFIG.objects, "object", "uri"),
        code=code_digest("download_object"),
    script:
        "../workflow/scripts/download_object.py"


rule download_model:
    output:
        checkpoint=directory("resources/models/{model}"),
        manifest="resources/models/{model}.json",
    log:
        "logs/download_model/{model}.log",
    benchmark:
        "benchmarks/download_model/{model}.tsv"
    wildcard_constraints:
        model=grid.pattern(KEYS.models.values()),
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(2000),
        runtime=runtime_per_attempt(240),
    params:
        uri=checkpoint_uri(CONFIG.models, "model", "checkpoint"),
        revision=checkpoint_revision(CONFIG.models, "model", "checkpoint"),
        allow_pickle=entry_key(CONFIG.models, "model", "allow_pickle"),
        storage=storage_params(CONFIG.models, "model", "checkpoint"),
        content=content_digest(CONFIG.models, "model", "checkpoint"),
        code=code_digest("download_model"),
    script:
        "../workflow/scripts/download_model.py"


use rule download_model as download_encoder with:
    output:
        checkpoint=directory("resources/encoders/{retriever}"),
        manifest="resources/encoders/{retriever}.json",
    log:
        "logs/download_encoder/{retriever}.log",
    benchmark:
        "benchmarks/download_encoder/{retriever}.tsv"
    wildcard_constraints:
        retriever=grid.pattern(KEYS.encoders.values()),
    localrule: True
    params:
        uri=checkpoint_uri(CONFIG.retrievers, "retriever", "encoder"),
        revision=checkpoint_revision(CONFIG.retrievers, "retriever", "encoder"),
        allow_pickle=entry_key(CONFIG.retrievers, "retriever", "allow_pickle"),
        storage=storage_params(CONFIG.retrievers, "retriever", "encoder"),
        content=content_digest(CONFIG.retrievers, "retriever", "encoder"),
        code=code_digest("download_model"),


use rule download_model as download_query_encoder with:
    output:
        checkpoint=directory("resources/query_encoders/{retriever}"),
        manifest="resources/query_encoders/{retriever}.json",
    log:
        "logs/download_query_encoder/{retriever}.log",
    benchmark:
        "benchmarks/download_query_encoder/{retriever}.tsv"
    wildcard_constraints:
        retriever=grid.pattern(KEYS.query_encoders.values()),
    localrule: True
    params:
        uri=checkpoint_uri(CONFIG.retrievers, "retriever", "query_encoder"),
        revision=checkpoint_revision(CONFIG.retrievers, "retriever", "query_encoder"),
        allow_pickle=entry_key(CONFIG.retrievers, "retriever", "allow_pickle"),
        storage=storage_params(CONFIG.retrievers, "retriever", "query_encoder"),
        content=content_digest(CONFIG.retrievers, "retriever", "query_encoder"),
        code=code_digest("download_model"),
