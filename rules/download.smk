"""Raw objects and checkpoints, verified, with a manifest of what came.

Needs: objects that lie on this machine (an edit of one is taken up); config objects, models, retrievers (encoders), storage
Makes: resources/raw/{object}, resources/models/{model}, resources/encoders/{retriever}, each + .json
"""


localrules:
    download_object,
    download_model,
    download_encoder,
    download_query_encoder,


rule download_object:
    input:
        source=source,
    output:
        data=directory("resources/raw/{object}"),
        manifest="resources/raw/{object}.json",
    log:
        "logs/download_object/{object}.log",
    benchmark:
        "benchmarks/download_object/{object}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=grown(2000),
        runtime=lasting(240),
    params:
        entry=entry(CONFIG.objects, "object"),
        storage=storage,
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
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=grown(2000),
        runtime=lasting(240),
    params:
        uri=lambda wildcards: CONFIG.models[wildcards.model].checkpoint,
        revision=lambda wildcards: CONFIG.models[wildcards.model].revision,
        allow_pickle=lambda wildcards: CONFIG.models[wildcards.model].allow_pickle,
        storage=storage,
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
    params:
        uri=lambda wildcards: CONFIG.retrievers[wildcards.retriever].encoder,
        revision=lambda wildcards: CONFIG.retrievers[wildcards.retriever].encoder_revision,
        allow_pickle=lambda wildcards: CONFIG.retrievers[wildcards.retriever].pickles(),
        storage=storage,
        code=code("download_model"),


use rule download_model as download_query_encoder with:
    output:
        checkpoint=directory("resources/query_encoders/{retriever}"),
        manifest="resources/query_encoders/{retriever}.json",
    log:
        "logs/download_query_encoder/{retriever}.log",
    benchmark:
        "benchmarks/download_query_encoder/{retriever}.tsv"
    params:
        uri=lambda wildcards: CONFIG.retrievers[wildcards.retriever].query_encoder,
        revision=lambda wildcards: CONFIG.retrievers[wildcards.retriever].query_encoder_revision,
        allow_pickle=lambda wildcards: CONFIG.retrievers[wildcards.retriever].pickles(),
        storage=storage,
        code=code("download_model"),
