"""Functions from wildcards to input files; a list is empty where a job needs no such file.

Needs: CONFIG, RESULTS
Makes: input functions, and paths of files beside the Snakefile
"""


def beside(*parts):
    """Return the path of a file beside the Snakefile, relative, so that a moved folder reruns none."""
    return os.path.relpath(os.path.join(workflow.basedir, *parts))


def template(where, path):
    """Return the path of a template: the user's, or the one beside the Snakefile."""
    found = next((place for place in (path, beside(path)) if os.path.isfile(place)), None)
    if found is None:
        raise WorkflowError(
            f"{where}.prompt: '{path}' is no file; name a Jinja template that exists"
        )
    return found


def source(wildcards):
    """Return the files of an object that lies on this machine, so that an edit of one is seen."""
    name, uri = wildcards.object, CONFIG.objects[wildcards.object].uri
    files = on_disk(uri)
    here = uri.startswith("file:") or "://" not in uri
    if here and not files and os.path.exists(f"resources/raw/{name}.json"):
        raise WorkflowError(
            f"objects.{name}.uri: {uri} is gone, and a run would remove what was taken from it: "
            f"put it back, or copy resources/raw/{name} elsewhere and name the copy"
        )
    return files


def raw(table, wildcard, key):
    """Return an input function: the folder of each raw object that an entry names under a key."""

    def folders(wildcards):
        named = getattr(table[wildcards[wildcard]], key)
        names = named if isinstance(named, list) else [named]
        return [f"resources/raw/{name}" for name in names if name]

    return folders


def passages(dataset):
    """Return the passages that a data set is searched in."""
    return f"resources/corpora/{CONFIG.datasets[dataset].corpus}/passages.parquet"


def checkpoint(key, folder):
    """Return an input function: the folder of a retriever's checkpoint and its manifest, or none."""

    def files(wildcards):
        named = key in CONFIG.retrievers[wildcards.retriever].checkpoints()
        return [f"{folder}/{wildcards.retriever}"] if named else []

    return files


encoder = checkpoint("encoder", "resources/encoders")


def query_encoder(wildcards):
    """Return the checkpoint folder of the encoder of questions."""
    own = checkpoint("query_encoder", "resources/query_encoders")(wildcards)
    return own or encoder(wildcards)


def manifest(folders):
    """Return an input function: the manifest beside each folder of another input function."""
    return lambda wildcards: [f"{folder}.json" for folder in folders(wildcards)]


def vectors(wildcards):
    """Return the shards of a retriever's vectors, or nothing where its index encodes by itself."""
    shards = CONFIG.retrievers[wildcards.retriever].shard_count()
    folder = f"resources/vectors/{wildcards.corpus}/{wildcards.retriever}"
    return [f"{folder}/{n}-of-{shards}.npy" for n in range(shards)] if shards > 1 else []


def index_of(wildcards):
    """Return the index that a retriever searches, or nothing for one that combines others."""
    if CONFIG.retrievers[wildcards.retriever].upstream():
        return []
    return [f"resources/indexes/{CONFIG.datasets[wildcards.dataset].corpus}/{wildcards.retriever}"]


def upstream_hits(wildcards):
    """Return the hits of the retrievers that a retriever combines, in its order."""
    combined = CONFIG.retrievers[wildcards.retriever].upstream()
    return [f"{RESULTS}/retrieval/{wildcards.dataset}/{name}.parquet" for name in combined]


def hits_of(wildcards):
    """Return the hits that a mode reads, or nothing."""
    retriever = CONFIG.modes[wildcards.mode].retriever
    return [f"{RESULTS}/retrieval/{wildcards.dataset}/{retriever}.parquet"] if retriever else []


def passages_of(wildcards):
    """Return the corpus that a mode's hits point into, or nothing."""
    return [passages(wildcards.dataset)] if CONFIG.modes[wildcards.mode].retriever else []


def files_of_model(model):
    """Return the files beside the prompts that a model's answers depend on, by the input's name.

    A checkpoint has changed when its manifest has: the folder's time stamps are ancient.
    """
    folders = [f"resources/models/{model}"] if CONFIG.models[model].checkpoint else []
    template = CONFIG.models[model].chat_template
    return {
        "checkpoint": [ancient(folder) for folder in folders],
        "manifest": [f"{folder}.json" for folder in folders],
        "adapter": [folder for folder in [CONFIG.models[model].adapter] if folder],
        "chat_template": [] if template in (None, "auto", "tokenizer", "none") else [template],
    }


def judge_templates():
    """Return the judge's template, and the chat template of its model where that is a file."""
    if CONFIG.judge is None:
        return []
    chat = CONFIG.judge.model.chat_template
    own = [] if chat in (None, "auto", "tokenizer", "none") else [chat]
    return [template("judge", CONFIG.judge.prompt), *own]


def report_before(wildcards):
    """Return the report of the experiment that this one is compared with."""
    path = f"results/{CONFIG.against}/report/report.html"
    if CONFIG.against is None or not os.path.exists(path):
        others = (
            [name for name in sorted(os.listdir("results"))] if os.path.isdir("results") else []
        )
        raise WorkflowError(
            "compare: name a finished experiment by --config against=NAME; "
            f"under results/ there are: {', '.join(others) or 'none'}"
        )
    return path
