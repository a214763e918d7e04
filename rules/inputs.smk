"""Functions from wildcards to input files; a list is empty where a job needs no such file.

Needs: CONFIG, RESULTS, KEYS
Makes: input functions, and paths of files beside the Snakefile
"""


def repository_file(*parts):
    """Return the relative path of a file beside the Snakefile: moving the folder reruns nothing."""
    return local(os.path.relpath(os.path.join(HERE, *parts)))


def template_file(path):
    """Return the path of a template: the user's file, or ours beside the Snakefile."""
    return local(local_files.template_path(path, HERE))


def raw_folders(table, wildcard, key):
    """Return an input function: the folder of each raw object in a key of an entry."""

    def folders(wildcards):
        found = getattr(table[ENTRY_NAMES[wildcards[wildcard]]], key)
        names = found if isinstance(found, list) else [found]
        return [f"resources/raw/{KEYS.objects[name]}" for name in names if name]

    return folders


def questions(dataset):
    """Return the prepared questions of a data set."""
    return f"resources/datasets/{KEYS.datasets[dataset]}/questions.parquet"


def questions_of_job(wildcards):
    """Return the questions of each cell that a job makes, in the order of its files."""
    return [questions(cell.format(**wildcards).split("/")[0]) for cell in JOB_CELLS]


def passages(dataset):
    """Return the passages of a data set's corpus."""
    return f"resources/corpora/{KEYS.corpora[CONFIG.datasets[dataset].corpus]}/passages.parquet"


def encoders(kind):
    """Return an input function: the folder of a retriever's checkpoint, or nothing."""
    keys = getattr(KEYS, f"{kind}s")

    def folders(wildcards):
        name = ENTRY_NAMES.get(wildcards.retriever, wildcards.retriever)
        named = kind in CONFIG.retrievers[name].checkpoints()
        return [f"resources/{kind}s/{keys[name]}"] if named else []

    return folders


encoder = encoders("encoder")


def query_encoder(wildcards):
    """Return the checkpoint folder of the encoder of questions."""
    return encoders("query_encoder")(wildcards) or encoder(wildcards)


def manifests_of(folders):
    """Return an input function: the manifest beside each folder of another input function."""
    return lambda wildcards: [f"{folder}.json" for folder in folders(wildcards)]


def vectors(wildcards):
    """Return the shards of a retriever's vectors, or nothing if indexing encodes by itself."""
    shards = CONFIG.retrievers[ENTRY_NAMES[wildcards.retriever]].shard_count()
    folder = f"resources/vectors/{wildcards.corpus}/{wildcards.retriever}"
    return [f"{folder}/{n}-of-{shards}.npy" for n in range(shards)] if shards > 1 else []


def index(corpus, retriever):
    """Return the folder of a corpus's index."""
    return f"resources/indexes/{KEYS.corpora[corpus]}/{KEYS.indexes[retriever]}"


def index_of(wildcards):
    """Return the index that a retriever searches; nothing if it combines other retrievers."""
    if CONFIG.retrievers[wildcards.retriever].upstream():
        return []
    return [index(CONFIG.datasets[wildcards.dataset].corpus, wildcards.retriever)]


def upstream_hits(wildcards):
    """Return the hits of the retrievers that a retriever combines, in its order."""
    combined = CONFIG.retrievers[wildcards.retriever].upstream()
    return [f"{RESULTS}/retrieval/{wildcards.dataset}/{name}.parquet" for name in combined]


def hits_of(wildcards):
    """Return the hits that a mode reads, or nothing."""
    retriever = CONFIG.modes[wildcards.mode].retriever
    return [f"{RESULTS}/retrieval/{wildcards.dataset}/{retriever}.parquet"] if retriever else []


def passages_of(wildcards):
    """Return the corpus of a mode's hits, or nothing."""
    return [passages(wildcards.dataset)] if CONFIG.modes[wildcards.mode].retriever else []


def files_of_model(model):
    """Return the files that a model's answers depend on, besides the prompts, by input name.

    A checkpoint has changed if its manifest has: the folder itself is ancient.
    """
    folders = [f"resources/models/{KEYS.models[model]}"] if CONFIG.models[model].checkpoint else []
    return {
        "checkpoint": [ancient(folder) for folder in folders],
        "manifest": [f"{folder}.json" for folder in folders],
        **files_of_entry(CONFIG.models[model]),
    }


def files_of_entry(model):
    """Return the adapter and the chat template of a model's entry, by input name."""
    return {
        "adapter": [local(folder) for folder in [model.adapter] if folder],
        "chat_template": [*map(local, model.template_files())],
    }


def judge_templates():
    """Return the judge's template, and the chat template of its model if that is a file."""
    if CONFIG.judge is None:
        return []
    return [
        template_file(CONFIG.judge.prompt),
        *files_of_entry(CONFIG.judge.model)["chat_template"],
    ]


def manifests():
    """Return the manifests of all raw objects and checkpoints that the comparison is made from."""
    models = [name for name, entry in CONFIG.models.items() if entry.checkpoint]
    judged = CONFIG.judge and CONFIG.judge.model.checkpoint and grid.graded_cells(CONFIG)
    folders = [
        *[f"raw/{KEYS.objects[name]}" for name in grid.objects(CONFIG)],
        *[f"models/{KEYS.models[name]}" for name in models],
        *[f"{k}s/{getattr(KEYS, f'{k}s')[name]}" for k, name in grid.checkpoints(CONFIG)],
        *([f"judges/{KEYS.judge}"] if judged else []),
    ]
    return [f"resources/{folder}.json" for folder in folders]


def compared_report(wildcards):
    """Return the report of the experiment that this one is compared with."""
    return local(
        local_files.report_to_compare(
            CONFIG.against, CONFIG.experiment, Path(RESULTS_FOLDER).parent
        )
    )
