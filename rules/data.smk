"""Raw objects into tables of one schema, with an audit of each.

Needs: resources/raw/{object}; here {corpus}, {dataset} and {object} are an entry's name and its digits;
       a raw object has changed if its manifest has, so its folder is ancient
Makes: resources/corpora/{corpus}/passages.parquet, resources/datasets/{dataset}/questions.parquet,
       an audit.json beside each; resources/coverage/{dataset}/coverage.json: of the questions by their corpus
"""


rule prepare_corpus:
    input:
        raw=ancient(raw_folders(CONFIG.corpora, "corpus", "object")),
        manifests=manifests_of(raw_folders(CONFIG.corpora, "corpus", "object")),
    output:
        passages="resources/corpora/{corpus}/passages.parquet",
        audit="resources/corpora/{corpus}/audit.json",
    log:
        "logs/prepare_corpus/{corpus}.log",
    benchmark:
        "benchmarks/prepare_corpus/{corpus}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(8000),
        runtime=runtime_per_attempt(240),
    params:
        entry=config_params(CONFIG.corpora, "corpus"),
        code=code_digest_of_kind(
            "prepare_corpus", CONFIG.corpora, "corpus", lambda e: {"formats": e.format}
        ),
    script:
        "../workflow/scripts/prepare_corpus.py"


rule prepare_dataset:
    input:
        raw=ancient(raw_folders(CONFIG.datasets, "dataset", "object")),
        manifest=manifests_of(raw_folders(CONFIG.datasets, "dataset", "object")),
        gold_raw=ancient(raw_folders(CONFIG.datasets, "dataset", "gold")),
        gold_manifest=manifests_of(raw_folders(CONFIG.datasets, "dataset", "gold")),
        train_raw=ancient(raw_folders(CONFIG.datasets, "dataset", "train")),
        train_manifest=manifests_of(raw_folders(CONFIG.datasets, "dataset", "train")),
    output:
        questions="resources/datasets/{dataset}/questions.parquet",
        audit="resources/datasets/{dataset}/audit.json",
    log:
        "logs/prepare_dataset/{dataset}.log",
    benchmark:
        "benchmarks/prepare_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=grid.pattern(KEYS.datasets.values()),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(4000),
        runtime=runtime_per_attempt(240),
    params:
        entry=config_params(CONFIG.datasets, "dataset", "build_params"),
        code=code_digest_of_kind(
            "prepare_dataset", CONFIG.datasets, "dataset", lambda e: {"formats": e.formats()}
        ),
    script:
        "../workflow/scripts/prepare_dataset.py"


rule audit_coverage:
    input:
        questions=lambda wildcards: questions(ENTRY_NAMES[wildcards.dataset]),
        passages=lambda wildcards: passages(ENTRY_NAMES[wildcards.dataset]),
    output:
        audit="resources/coverage/{dataset}/coverage.json",
    log:
        "logs/audit_coverage/{dataset}.log",
    benchmark:
        "benchmarks/audit_coverage/{dataset}.tsv"
    wildcard_constraints:
        dataset=grid.pattern(KEYS.coverage.values()),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(4000),
        runtime=runtime_per_attempt(240),
    params:
        code=code_digest("audit_coverage"),
    script:
        "../workflow/scripts/audit_coverage.py"
