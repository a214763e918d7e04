"""Functions from wildcards to the entries, files and resources that a rule needs.

Needs: CONFIG, RESULTS
Makes: param, input and resource functions
"""


def storage(wildcards, resources):
    """Return how to reach S3; asking for ``resources`` keeps it out of provenance."""
    return CONFIG.storage.params()


def entry(table, wildcard):
    """Return a param function: the keys of an entry that can change what a job makes."""
    return lambda wildcards: table[wildcards[wildcard]].params()


def hardware(table, wildcard):
    """Return a param function: the keys of an entry that cannot, kept out of provenance."""

    def lookup_hardware(wildcards, resources, threads):
        given = {"gpus": int(resources.get("gpu", 0)), "threads": threads}
        given["mem_mb"] = int(resources.mem_mb)
        return table[wildcards[wildcard]].hardware() | given

    return lookup_hardware


def grown(megabytes):
    """Return a resource function: memory that grows with each attempt."""
    return lambda wildcards, attempt: megabytes * attempt


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


def encoder(wildcards):
    """Return the checkpoint folder of a retriever that encodes, or nothing."""
    encodes = CONFIG.retrievers[wildcards.retriever].checkpoints()
    return [f"resources/encoders/{wildcards.retriever}"] if "encoder" in encodes else []


def query_encoder(wildcards):
    """Return the checkpoint folder of the encoder of questions, or nothing."""
    if "query_encoder" in CONFIG.retrievers[wildcards.retriever].checkpoints():
        return [f"resources/query_encoders/{wildcards.retriever}"]
    return encoder(wildcards)


def query_encoder_manifest(wildcards):
    """Return the manifest beside that folder, or nothing."""
    return [f"{folder}.json" for folder in query_encoder(wildcards)]


def vectors(wildcards):
    """Return the shards of a retriever's vectors, or nothing where its index encodes by itself."""
    shards = CONFIG.retrievers[wildcards.retriever].shard_count()
    folder = f"resources/vectors/{wildcards.corpus}/{wildcards.retriever}"
    return [f"{folder}/{n}-of-{shards}.npy" for n in range(shards)] if shards > 1 else []


def encoder_manifest(wildcards):
    """Return the manifest beside the encoder's folder, or nothing."""
    return [f"{folder}.json" for folder in encoder(wildcards)]


def raw_objects(corpus):
    """Return the names of the objects of a corpus."""
    named = CONFIG.corpora[corpus].object
    return [named] if isinstance(named, str) else named


def gold_objects(dataset):
    """Return the name of the object with gold passages, if there is one."""
    gold = CONFIG.datasets[dataset].gold
    return [gold] if gold else []


def train_raw(wildcards):
    """Return the object with the train set that a data set is compared with, or nothing."""
    train = CONFIG.datasets[wildcards.dataset].train
    return [f"resources/raw/{train}"] if train else []


def corpus_of(dataset):
    """Return the corpus of a data set."""
    return CONFIG.datasets[dataset].corpus


def kind_of(wildcards):
    """Return the kind of a retriever."""
    return CONFIG.retrievers[wildcards.retriever].kind


def engine_of(wildcards):
    """Return the engine of a model."""
    return CONFIG.models[wildcards.model].engine


def index_of(wildcards):
    """Return the index that a retriever searches, or nothing for one that combines others."""
    if CONFIG.retrievers[wildcards.retriever].upstream():
        return []
    return [f"resources/indexes/{corpus_of(wildcards.dataset)}/{wildcards.retriever}"]


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
    retriever = CONFIG.modes[wildcards.mode].retriever
    return (
        [f"resources/corpora/{corpus_of(wildcards.dataset)}/passages.parquet"] if retriever else []
    )


def checkpoint(wildcards):
    """Return the checkpoint folder of a model that is run here, or nothing."""
    here = CONFIG.models[wildcards.model].checkpoint
    return [f"resources/models/{wildcards.model}"] if here else []


def manifest(wildcards):
    """Return the manifest beside the checkpoint's folder, or nothing."""
    return [f"{folder}.json" for folder in checkpoint(wildcards)]


def adapter(wildcards):
    """Return the folder of a model's LoRA adapter, or nothing."""
    folder = CONFIG.models[wildcards.model].adapter
    return [folder] if folder else []


def chat_template(wildcards):
    """Return the file of a model's own chat template, or nothing where the tokenizer's is meant."""
    template = CONFIG.models[wildcards.model].chat_template
    return [] if template in (None, "auto", "tokenizer", "none") else [template]


def cells_of_job(wildcards):
    """Return model, data set and mode of each cell that a job makes, in the order of its files."""
    cells = [cell.format(**wildcards).split("/") for cell in JOB_CELLS]
    return [{"model": wildcards.model, "dataset": d, "mode": m} for d, m in cells]


def indexes_of_runs(wildcards):
    """Return the indexes behind the runs of the comparison."""
    pairs = [run.split("/") for run in RUNS]
    searched = [(d, name) for d, name in pairs if not CONFIG.retrievers[name].upstream()]
    folders = (f"resources/indexes/{corpus_of(dataset)}/{name}" for dataset, name in searched)
    return list(dict.fromkeys(folders))


def page(wildcards):
    """Return the files of the report's page, found beside the Snakefile."""
    names = sorted(os.listdir(beside("workflow", "report")))
    return [beside("workflow", "report", name) for name in names]


def graded_rows():
    """Return the model/dataset/mode rows that the judge grades, of all models."""
    judged = CONFIG.judge.datasets if CONFIG.judge else []
    return ["/".join(row) for row in grid.rows(CONFIG) if row[1] in judged]


def grades_of_rows(wildcards):
    """Return the judge's summaries, where there is one."""
    return [f"{RESULTS}/grades/{row}.json" for row in graded_rows()]


def dry_run(wildcards):
    """Return the command that plans this run's report anew and makes nothing."""
    start = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow.main_snakefile)]
    files = [str(path) for path in workflow.overwrite_configfiles]
    return [*start, "--dry-run", *(["--configfile", *files] if files else [])]


def require_commands():
    """Refuse to start a run through Slurm where Slurm's commands are not found."""
    absent = [name for name in ("sbatch", "squeue", "scancel") if shutil.which(name) is None]
    if workflow.executor_plugin.name == "slurm" and absent:
        raise WorkflowError(
            f"--profile slurm needs {', '.join(absent)}, not found on this machine: start "
            "snakemake on a login node of the cluster, or here with --cores all and no profile"
        )


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
