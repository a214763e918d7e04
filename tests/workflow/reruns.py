"""The table "what reruns after which edit": the README shows it, and a test holds it.

``python tests/workflow/reruns.py`` writes it into the README.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflow.project import ROOT, Project

MODELS = ("parrot", "mynah")
DATASETS = ("quiz", "trivia")
MODES = {
    "no_context": None,
    "oracle_context": None,
    "retriever_context": "bm25",
    "dense_context": "dense",
}
CELLS = [f"{dataset}/{mode}" for dataset in DATASETS for mode in MODES]
REPORT = {"report_comparison": [""]}
MARKS = ("<!-- reruns: made by tests/workflow/reruns.py -->", "<!-- end of reruns -->")

Jobs = dict[str, list[str]]


@dataclass(frozen=True)
class Edit:
    """An edit, and exactly the jobs that it makes Snakemake plan."""

    what: str
    reruns: str
    apply: Callable[[Project], object]
    jobs: Jobs = field(default_factory=dict)
    prompts: int = 0
    """Completions that the engine is really asked for."""


def answers(models=MODELS, cells=CELLS) -> Jobs:
    """Return the jobs of generation, scoring and report for the cells of some models."""
    rows = [f"{model}/{cell}" for model in models for cell in cells]
    return {"generate_answers": rows, "score_answers": rows} | REPORT


def context(retriever: str) -> Jobs:
    """Return the jobs from a retriever's hits on."""
    cells = [cell for cell in CELLS if MODES[cell.split("/")[1]] == retriever]
    hits = [f"{dataset}/{retriever}" for dataset in DATASETS]
    return {"retrieve_passages": hits, "build_prompts": cells} | answers(cells=cells)


def per_model(jobs: Jobs) -> Jobs:
    """Return what ``batch: model`` plans: one job for each model that has a cell to make."""
    rows = ("generate_answers", "score_answers")
    models = {rule: [row.split("/")[0] for row in jobs.get(rule, [])] for rule in rows}
    return jobs | {rule: list(dict.fromkeys(names)) for rule, names in models.items() if names}


def config(**tables) -> Callable[[Project], object]:
    """Return an edit of the config."""
    return lambda project: project.edit(**tables)


def source(path: str, old: str, new: str) -> Callable[[Project], object]:
    """Return an edit of a file of the repository's copy."""

    def apply(project: Project) -> None:
        file = project.folder / "repo" / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1))

    return apply


def appended(path: str, text: str) -> Callable[[Project], object]:
    """Return an edit that adds text to a file of the project."""

    def apply(project: Project) -> None:
        with open(project.folder / path, "a") as file:
            file.write(text)

    return apply


def touch_all(project: Project) -> None:
    """Touch every source, raw object and prepared table, as a checkout or a copy does."""
    raw = ("resources/raw/**/*", "resources/models/**/*", "resources/encoders/**/*")
    for pattern in ("repo/**/*", *raw, "resources/corpora/**/*", "results/**/*.parquet"):
        for path in project.folder.glob(pattern):
            path.touch()


SCRIPTS = "workflow/scripts"
CHILE = {"engine": "echo", "temperature": 0.5}
ORACLE2 = {"context": "oracle", "prompt": "config/prompts/with_context.jinja", "passages": 2}
NEW_SET = {"object": "questions", "format": "dpr", "corpus": "facts", "limit": 2}


def table() -> list[Edit]:
    """Return the table, in the order of the README."""
    bm25, dense = context("bm25"), context("dense")
    everything = answers()
    with_context = [cell for cell in CELLS if "no_context" not in cell]
    return [
        Edit(
            "a model is added",
            "its generation, scores, report",
            config(models={"chile": CHILE}),
            answers(["chile"]),
        ),
        Edit(
            "a data set is added",
            "its preparation, retrieval, prompts, cells",
            config(datasets={"short": NEW_SET}),
            {
                "prepare_dataset": ["short"],
                "audit_dataset": ["short"],
                "retrieve_passages": ["short/bm25", "short/dense"],
                "build_prompts": [f"short/{m}" for m in MODES],
            }
            | answers(cells=[f"short/{m}" for m in MODES]),
        ),
        Edit(
            "a mode is added",
            "its prompts and cells",
            config(modes={"oracle_two": ORACLE2}),
            {"build_prompts": [f"{d}/oracle_two" for d in DATASETS]}
            | answers(cells=[f"{d}/oracle_two" for d in DATASETS]),
        ),
        Edit(
            "a model's temperature",
            "that model's answers",
            config(models={"parrot": {"temperature": 0.7}}),
            answers(["parrot"]),
        ),
        Edit("sampling.max_tokens", "all answers", config(sampling={"max_tokens": 4}), everything),
        Edit(
            "a prompt template",
            "the modes that use it",
            source("config/prompts/with_context.jinja", "Question:", "The question:"),
            {"build_prompts": with_context} | answers(cells=with_context),
        ),
        Edit(
            "a mode's number of passages",
            "that mode's cells",
            config(modes={"retriever_context": {"passages": 1}}),
            {k: v for k, v in bm25.items() if k != "retrieve_passages"},
        ),
        Edit(
            "BM25's k1",
            "its hits and what they feed; not the index",
            config(retrievers={"bm25": {"k1": 0.9}}),
            bm25,
        ),
        Edit(
            "the dense encoder",
            "its download, index, hits and what they feed",
            config(retrievers={"dense": {"encoder": "other_encoder"}}),
            {"download_encoder": ["dense"], "index_passages": ["facts/dense"]} | dense,
        ),
        Edit(
            "the metrics' code",
            "scores and report, no generation",
            source(f"{SCRIPTS}/slmrag/scoring.py", "import", "import math\nimport"),
            {"score_answers": everything["score_answers"]} | REPORT,
        ),
        Edit(
            "metrics.confidence",
            "scores and report",
            config(metrics={"confidence": 0.9}),
            {"score_answers": everything["score_answers"]} | REPORT,
        ),
        Edit(
            "the report's template",
            "the report",
            source("workflow/report/report.css", "{", "{ /* other */"),
            REPORT,
        ),
        Edit("a GPU count", "nothing", config(models={"parrot": {"gpus": 0, "mem_mb": 900}})),
        Edit("tracking", "nothing", config(tracking={"project": "another"})),
        Edit("S3 endpoint or region", "nothing", config(storage={"region": "here"})),
        Edit(
            "a key written out with its default",
            "nothing",
            config(sampling={"temperature": 0.0}, models={"parrot": {"dtype": None}}),
        ),
        Edit(
            "a comment", "nothing", source(f"{SCRIPTS}/score_answers.py", "\n\n\n", "\n\n\n# why\n")
        ),
        Edit("a docstring", "nothing", source(f"{SCRIPTS}/slmrag/grid.py", '"""', '"""Well: ')),
        Edit(
            "`touch` of a source, raw object or table under 1 GB, `git checkout`",
            "nothing",
            touch_all,
        ),
    ]


def markdown() -> str:
    """Return the table for the README."""
    rows = [f"| {edit.what} | {edit.reruns} |" for edit in table()]
    return "\n".join(["| edit | runs again |", "|---|---|", *rows])


def main() -> None:
    """Write the table into the README between its marks."""
    readme = Path(ROOT / "README.md")
    before, rest = readme.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    readme.write_text(f"{before}{MARKS[0]}\n{markdown()}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
