"""The table "what reruns after which edit": the README shows it, and a test holds it.

``python -m tests.workflow.reruns`` writes it into the README.
"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflow.finished import write_checkpoint
from tests.workflow.project import ROOT, Project

MODELS = ("parrot", "mynah")
DATASETS = ("quiz", "trivia")
QUESTIONS = {"quiz": 5, "trivia": 3, "short": 2}
MODES = {
    "no_context": None,
    "oracle_context": None,
    "retriever_context": "bm25",
    "dense_context": "dense",
}
CELLS = [f"{dataset}/{mode}" for dataset in DATASETS for mode in MODES]
MARKS = ("<!-- reruns: made by tests/workflow/reruns.py -->", "<!-- end of reruns -->")
REPORT = ["comparison.csv", "comparison.parquet", "report.html", "pairs.csv", "pairs.parquet"]
REPORT += ["analysis.json", "comparison.md", "comparison.tex", "figures", "config.yaml"]
R = "results/tiny"
FILES = {
    "download_object": ["resources/raw/{}", "resources/raw/{}.json"],
    "download_model": ["resources/models/{}", "resources/models/{}.json"],
    "download_encoder": ["resources/encoders/{}", "resources/encoders/{}.json"],
    "prepare_corpus": ["resources/corpora/{}/passages.parquet", "resources/corpora/{}/audit.json"],
    "prepare_dataset": [
        f"resources/datasets/{{}}/{x}" for x in ("questions.parquet", "audit.json")
    ],
    "audit_coverage": ["resources/coverage/{}/coverage.json"],
    "index_passages": ["resources/indexes/{}", "resources/indexes/{}.json"],
    "retrieve_passages": [f"{R}/retrieval/{{}}.parquet", f"{R}/retrieval/{{}}.json"],
    "build_prompts": [f"{R}/prompts/{{}}.parquet"],
    "generate_answers": [f"{R}/answers/{{}}.parquet", f"{R}/timings/{{}}.parquet"],
    "score_answers": [f"{R}/scores/{{}}.parquet", f"{R}/scores/{{}}.json"],
    "report_comparison": [f"{R}/report/{name}" for name in REPORT],
}
"""The files of a rule's jobs, by their wildcards joined with slashes."""

Jobs = dict[str, list[str]]


@dataclass(frozen=True)
class Edit:
    """An edit, and exactly what it makes Snakemake plan and an engine answer."""

    what: str
    reruns: str
    apply: Callable[[Project], object]
    jobs: Jobs = field(default_factory=dict)
    sent: int | str = 0
    """Prompts that the engine is really asked; in words where only a real checkpoint would show."""

    def files(self, project: Project) -> set[str]:
        """Return the files that a dry run of the edited project would make."""
        return files(self.jobs, project.config)


def files(jobs: Jobs, config: dict) -> set[str]:
    """Return the files that jobs make, as the config cuts them."""
    if config["generation"]["batch"] == "model":
        jobs = per_model(jobs, config)
    return {name.format(job) for rule in jobs for job in jobs[rule] for name in FILES[rule]}


def new_cells(config: dict) -> Jobs:
    """Return the jobs of each cell whose model, data set or mode was not in the finished run."""
    cells = [f"{dataset}/{mode}" for dataset in config["datasets"] for mode in config["modes"]]
    rows = [f"{model}/{cell}" for model in config["models"] for cell in cells]
    old = [f"{model}/{cell}" for model in MODELS for cell in CELLS]
    new = [row for row in rows if row not in old]
    prompts = [cell for cell in cells if cell not in CELLS]
    return {"build_prompts": prompts, "generate_answers": new, "score_answers": new}


def per_model(jobs: Jobs, config: dict) -> Jobs:
    """Return what ``batch: model`` plans: all cells of each model that has a cell to make."""
    cells = [f"{dataset}/{mode}" for dataset in config["datasets"] for mode in config["modes"]]
    for rule in {"generate_answers", "score_answers"} & {*jobs}:
        models = dict.fromkeys(row.split("/")[0] for row in jobs[rule])
        jobs = jobs | {rule: [f"{model}/{cell}" for model in models for cell in cells]}
    return jobs


def planned(said: str) -> set[str]:
    """Return the files that a dry run says it would make, resources without their digits."""
    lists = re.findall(r"^    output: (.*)$", said, re.MULTILINE)
    return {plain(name) for names in lists for name in names.split(", ")}


def plain(path: str) -> str:
    """Return a path under resources/ without the digits of what its entry is made from."""
    return re.sub(r"-[0-9a-f]{8}(?=[/.]|$)", "", path) if path.startswith("resources/") else path


def completions(project: Project) -> int:
    """Return how many completions the journal holds."""
    files = (project.folder / "resources/journal").rglob("*.jsonl")
    return sum("digest" in json.loads(line) for file in files for line in file.open())


def answers(models=MODELS, cells=CELLS) -> Jobs:
    """Return the jobs of generation, scoring and report for the cells of some models."""
    rows = [f"{model}/{cell}" for model in models for cell in cells]
    return {"generate_answers": rows, "score_answers": rows, "report_comparison": [""]}


def context(retriever: str, datasets=DATASETS) -> Jobs:
    """Return the jobs from a retriever's hits on."""
    modes = [mode for mode, used in MODES.items() if used == retriever]
    cells = [f"{dataset}/{mode}" for dataset in datasets for mode in modes]
    hits = [f"{dataset}/{retriever}" for dataset in datasets]
    return {"retrieve_passages": hits, "build_prompts": cells} | answers(cells=cells)


def union(*tables: Jobs) -> Jobs:
    """Return the jobs of several tables."""
    rules = dict.fromkeys(rule for table in tables for rule in table)
    return {
        rule: list(dict.fromkeys(job for table in tables for job in table.get(rule, [])))
        for rule in rules
    }


def config(**tables) -> Callable[[Project], object]:
    """Return an edit of the config."""
    return lambda project: project.edit(**tables)


def checkpoint(name: str, **tables) -> Callable[[Project], object]:
    """Return an edit of the config that names a folder, which is none that an engine could load."""

    def apply(project: Project) -> None:
        (project.folder / name).mkdir()
        for file in ("config.json", "model.safetensors"):
            (project.folder / name / file).write_text("{}")
        project.edit(**tables)

    return apply


def readme(name: str, **tables) -> Callable[[Project], object]:
    """Return an edit of the config that names the same checkpoint with another README."""

    def apply(project: Project) -> None:
        write_checkpoint(project.folder / name, "Another card.")
        project.edit(**tables)

    return apply


def source(path: str, old: str, new: str) -> Callable[[Project], object]:
    """Return an edit of a file of the repository's copy."""
    return edited(f"repo/{path}", old, new)


def edited(path: str, old: str, new: str) -> Callable[[Project], object]:
    """Return an edit of a file of the project."""

    def apply(project: Project) -> None:
        file = project.folder / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1))

    return apply


def touch_all(project: Project) -> None:
    """Touch every source, raw object, table, index and result, as a checkout or a copy does."""
    for folder in ("repo", "data", "results", "resources"):
        for path in (project.folder / folder).rglob("*"):
            path.touch()


def clone(project: Project) -> None:
    """Copy everything to a new place, with new time stamps."""
    copy = project.folder.with_name("clone")
    shutil.copytree(project.folder, copy, symlinks=True, copy_function=shutil.copy)
    project.folder = copy


SCRIPTS = "workflow/scripts"
CHILE = {"engine": "echo", "options": {"answer": "Santiago"}}
ORACLE2 = {"context": "oracle", "prompt": "config/prompts/other.jinja"}
MORE = {"object": "more", "format": "dpr", "corpus": "facts"}
WITH_CONTEXT = [cell for cell in CELLS if "no_context" not in cell]
SCORED = {rule: answers()[rule] for rule in ("score_answers", "report_comparison")}
BM25, DENSE = context("bm25"), context("dense")
INDEXES = {"index_passages": ["facts/bm25", "facts/dense"]}
RETRIEVED = union(BM25, DENSE)


def table() -> list[Edit]:
    """Return the table, in the order of the README."""
    return [*of_entries(), *of_sources(), *of_nothing()]


def of_entries() -> list[Edit]:
    """Return the edits of the config that can change something."""
    short = [f"short/{mode}" for mode in MODES]
    return [
        Edit(
            "a model is added",
            "its generation, scores, report",
            config(models={"chile": CHILE}),
            answers(["chile"]),
            32,
        ),
        Edit(
            "a data set is added",
            "its preparation, retrieval, prompts, cells",
            config(datasets={"short": MORE}),
            {
                "download_object": ["more"],
                "prepare_dataset": ["short"],
                "audit_coverage": ["short"],
                "retrieve_passages": ["short/bm25", "short/dense"],
                "build_prompts": short,
            }
            | answers(cells=short),
            16,
        ),
        Edit(
            "a mode is added",
            "its prompts and cells",
            config(modes={"oracle_two": ORACLE2}),
            {"build_prompts": [f"{d}/oracle_two" for d in DATASETS]}
            | answers(cells=[f"{d}/oracle_two" for d in DATASETS]),
            16,
        ),
        Edit(
            "a model's checkpoint",
            "its download, that model's answers",
            checkpoint("others", models={"parrot": {"checkpoint": "others"}}),
            {"download_model": ["parrot"]} | answers(["parrot"]),
            "all of that model's",
        ),
        Edit(
            "a model's checkpoint that differs in README or LICENSE alone",
            "its download, that model's answers",
            readme("copy", models={"mynah": {"checkpoint": "copy"}}),
            {"download_model": ["mynah"]} | answers(["mynah"]),
        ),
        Edit(
            "a model's temperature",
            "that model's answers",
            config(models={"parrot": {"temperature": 0.7}}),
            answers(["parrot"]),
            32,
        ),
        Edit(
            "sampling.max_tokens",
            "all answers",
            config(sampling={"max_tokens": 4}),
            answers(),
            64,
        ),
        Edit(
            "a mode's number of passages",
            "that mode's cells",
            config(modes={"retriever_context": {"passages": 4}}),
            {rule: jobs for rule, jobs in BM25.items() if rule != "retrieve_passages"},
            16,
        ),
        Edit(
            "BM25's k1",
            "its hits and what they feed; not the index",
            config(retrievers={"bm25": {"k1": 0.9}}),
            BM25,
            6,
        ),
        Edit(
            "the dense encoder",
            "its download, index, hits and what they feed",
            checkpoint("other_encoder", retrievers={"dense": {"encoder": "other_encoder"}}),
            {"download_encoder": ["dense"], "index_passages": ["facts/dense"]} | DENSE,
            "those that the hits change",
        ),
        Edit(
            "metrics.confidence", "scores and report", config(metrics={"confidence": 0.9}), SCORED
        ),
    ]


def of_sources() -> list[Edit]:
    """Return the edits of data, templates and code that can change something."""
    quiz, trivia = ([f"{dataset}/{mode}" for mode in MODES] for dataset in DATASETS)
    return [
        Edit(
            "a prompt template",
            "the modes that use it",
            source("config/prompts/with_context.jinja", "Question:", "The Question:"),
            {"build_prompts": WITH_CONTEXT} | answers(cells=WITH_CONTEXT),
            48,
        ),
        Edit(
            "one line of the corpus",
            "the corpus, its indexes, hits and what they feed",
            edited("data/passages.tsv", "on the Gulf", "at the Gulf"),
            {
                "download_object": ["passages"],
                "prepare_corpus": ["facts"],
                "audit_coverage": list(DATASETS),
            }
            | INDEXES
            | RETRIEVED,
            12,
        ),
        Edit(
            "one question",
            "its set, retrieval, prompts and cells",
            edited("data/questions.json", "Which city is", "Which town is"),
            {
                "download_object": ["questions"],
                "prepare_dataset": ["quiz"],
                "audit_coverage": ["quiz"],
                "retrieve_passages": ["quiz/bm25", "quiz/dense"],
                "build_prompts": quiz,
            }
            | answers(cells=quiz),
            8,
        ),
        Edit(
            "the metrics' code",
            "scores and report, no generation",
            source(f"{SCRIPTS}/slmrag/scoring/qa_metrics.py", "import", "import math\nimport"),
            SCORED,
        ),
        Edit(
            "the code that normalizes answers",
            "the sets and all that follows; no corpus, no index",
            source(f"{SCRIPTS}/slmrag/data/normalize.py", "import", "import math\nimport"),
            {rule: list(DATASETS) for rule in ("prepare_dataset", "audit_coverage")}
            | RETRIEVED
            | {"build_prompts": CELLS}
            | answers(),
        ),
        Edit(
            "the code of a reader of gold passages",
            "the set with that `gold_format` and what follows",
            source(f"{SCRIPTS}/slmrag/data/formats/beir.py", "from", "import math\nfrom"),
            {
                "prepare_dataset": ["trivia"],
                "audit_coverage": ["trivia"],
                "retrieve_passages": ["trivia/bm25", "trivia/dense"],
                "build_prompts": trivia,
            }
            | answers(cells=trivia),
        ),
        *of_retrievers(),
        Edit(
            "the report's style",
            "the report",
            source("workflow/report/report.css", "{", "{ /* other */"),
            {"report_comparison": [""]},
        ),
    ]


def of_retrievers() -> list[Edit]:
    """Return the edits of the code of retrievers."""
    return [
        Edit(
            "the code of BM25's index",
            "its index, hits and what they feed; no encoding",
            source(f"{SCRIPTS}/slmrag/indexing/rank_bm25.py", "from", "import math\nfrom"),
            {"index_passages": ["facts/bm25"]} | BM25,
        ),
        Edit(
            "the code of BM25's search",
            "its hits and what they feed; no index",
            source(
                f"{SCRIPTS}/slmrag/retrieval/bm25_formulas.py",
                "import math",
                "import math\nimport time",
            ),
            BM25,
        ),
        Edit(
            "the code of exact search",
            "dense hits and what they feed; no index, no encoding",
            source(f"{SCRIPTS}/slmrag/retrieval/exact/tiles.py", "from", "import time\nfrom"),
            DENSE,
        ),
    ]


def of_nothing() -> list[Edit]:
    """Return the edits that can change nothing."""
    nothing: list[tuple[str, Callable]] = [
        (
            "a GPU count, memory, a time limit",
            config(models={"parrot": {"gpus": 0, "mem_mb": 900}}),
        ),
        ("tracking", config(tracking={"project": "another"})),
        ("S3 endpoint or region", config(storage={"region": "here"})),
        (
            "a key written out with its default",
            config(sampling={"temperature": 0.0}, models={"parrot": {"dtype": None}}),
        ),
        ("a new optional key of an entry class", NEW_KEY),
        (
            "a profile",
            edited(
                "repo/profiles/default/config.yaml",
                "rerun-incomplete",
                "cores: 2\nrerun-incomplete",
            ),
        ),
        ("the README in a checkpoint's folder", edited("weights/README.md", "A card", "B")),
        ("an env's pins", source("envs/data.yaml", "polars==", "polars==9.")),
        ("a comment", source(f"{SCRIPTS}/score_answers.py", "\n\n\n", "\n\n\n# why\n")),
        (
            "a format, a retriever or an engine in its registry",
            source(f"{SCRIPTS}/slmrag/retrieval/__init__.py", "\nKINDS", "\nMINE = 1\n\nKINDS"),
        ),
        ("a docstring", source(f"{SCRIPTS}/slmrag/scoring/score_table.py", '"""', '"""Well: ')),
        ("`touch` of any source, of any other file under 1 GB, `git checkout`", touch_all),
        ("a copy of everything, `.snakemake` too, in another place", clone),
    ]
    return [Edit(what, "nothing", apply) for what, apply in nothing]


NEW_KEY = source(
    f"{SCRIPTS}/slmrag/config/data.py",
    "    corpus: ",
    "    color: str | None = None\n    corpus: ",
)


def markdown() -> str:
    """Return the table for the README."""
    rows = [f"| {edit.what} | {edit.reruns} | {edit.sent} |" for edit in table()]
    return "\n".join(["| edit | runs again | prompts sent, of 64 |", "|---|---|---|", *rows])


def main() -> None:
    """Write the table into the README between its marks."""
    readme = Path(ROOT / "README.md")
    before, rest = readme.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    readme.write_text(f"{before}{MARKS[0]}\n{markdown()}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
