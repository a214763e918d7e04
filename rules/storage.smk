"""Raw objects and checkpoints, verified, with a manifest of what came.

Needs: config objects, models, retrievers (encoders), storage
Makes: resources/raw/{object}, resources/models/{model}, resources/encoders/{retriever}, each + .json;
       what lies on this machine is in the folder's name by its content, so that an edit is taken up
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
        mem_mb=grown(2000),
        runtime=lasting(240),
    params:
        entry=entry(CONFIG.objects, "object"),
        storage=reach(CONFIG.objects, "object", "uri"),
        content=content(CONFIG.objects, "object", "uri"),
        code=code("download_object"),
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
        mem_mb=grown(2000),
        runtime=lasting(240),
    params:
        uri=uri(CONFIG.models, "model", "checkpoint"),
        revision=revision(CONFIG.models, "model", "checkpoint"),
        allow_pickle=key(CONFIG.models, "model", "allow_pickle"),
        storage=reach(CONFIG.models, "model", "checkpoint"),
        content=content(CONFIG.models, "model", "checkpoint"),
        code=code("download_model"),
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
        uri=uri(CONFIG.retrievers, "retriever", "encoder"),
        revision=revision(CONFIG.retrievers, "retriever", "encoder"),
        allow_pickle=key(CONFIG.retrievers, "retriever", "allow_pickle"),
        storage=reach(CONFIG.retrievers, "retriever", "encoder"),
        content=content(CONFIG.retrievers, "retriever", "encoder"),
        code=code("download_model"),


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
        uri=uri(CONFIG.retrievers, "retriever", "query_encoder"),
        revision=revision(CONFIG.retrievers, "retriever", "query_encoder"),
        allow_pickle=key(CONFIG.retrievers, "retriever", "allow_pickle"),
        storage=reach(CONFIG.retrievers, "retriever", "query_encoder"),
        content=content(CONFIG.retrievers, "retriever", "query_encoder"),
        code=code("download_model"),
