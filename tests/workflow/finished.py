"""A finished run of 2 models x 2 data sets x 4 modes, beside a copy of the repository to edit."""

import json
import shutil
import struct
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.workflow.project import ECHO, PASSAGES, ROOT, Project, asked, make_project

COPIED = ("Snakefile", "rules", "workflow", "profiles", "config", "envs")
MADE = ("results", "resources", "logs", "benchmarks", ".snakemake")
BATCHES = ("model", "cell")
DENSE = {"kind": "dense", "encoder": "hashing", "depth": 4}
PARIS = {"answer": "Paris"}
TRIVIA = [
    ("What is the capital of Peru?", ["Lima"], 1),
    ("What is the capital of Kenya?", ["Nairobi"], 2),
    ("What is the currency of Japan?", ["yen"], 3),
]
"""Their gold passages stand in another file and format than they do."""
MORE = [
    ("What is the capital of Norway?", ["Oslo"], 4),
    ("What is the capital of Ghana?", ["Accra"], 5),
]
DENSE_MODE = {
    "context": "retriever",
    "prompt": "config/prompts/with_context.jinja",
    "retriever": "dense",
    "passages": 3,
}


def copy_repo(target: Path) -> None:
    """Copy what a run needs of the repository, so that a test can edit it."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignore, symlinks=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def made(folder: Path, batch: str) -> Project:
    """Return a finished run in a folder, with 64 answers that differ in model or prompt."""
    gold = {"gold": "gold", "gold_format": "beir"}
    trivia = {"object": "trivia", "format": "jsonl", "corpus": "facts", **gold}
    project = make_project(
        folder,
        objects={name: {"uri": f"data/{name}"} for name in ("trivia", "gold", "more")},
        datasets={"trivia": trivia},
        retrievers={"dense": DENSE},
        modes={"dense_context": DENSE_MODE},
        models={"parrot": ECHO, "mynah": {**ECHO, "checkpoint": "weights", "options": PARIS}},
        generation={"batch": batch},
    )
    (folder / "data/more").write_text(json.dumps([asked(*question) for question in MORE]))
    write_lines(folder / "data/trivia", (named(*question) for question in TRIVIA))
    rows = enumerate(PASSAGES, 1)
    gold = ({"_id": str(id), "title": title, "text": text} for id, (title, text) in rows)
    write_lines(folder / "data/gold", gold)
    write_checkpoint(folder / "weights")
    copy_repo(folder / "repo")
    template = (folder / "repo/config/prompts/with_context.jinja").read_text()
    (folder / "repo/config/prompts/other.jinja").write_text(f"Read.\n{template}")
    (folder / "config").symlink_to("repo/config")
    run(project)
    return project


def write_checkpoint(folder: Path, readme: str = "A card.") -> None:
    """Write a checkpoint without a weight, which echo reads nothing of."""
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    (folder / "README.md").write_text(readme)


def named(question: str, answers: list[str], gold: int) -> dict:
    """Return a question that names the passage that answers it."""
    return {"question": question, "answers": answers, "gold": [str(gold + 1)]}


def write_lines(path: Path, records: Iterable[dict]) -> None:
    """Write records as lines of JSON."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def run(project: Project, *args: str) -> str:
    """Run the copied workflow in the project, on one core; return what it said."""
    snakefile = project.folder / "repo/Snakefile"
    done = project.snakemake("--cores", "1", *args, snakefile=snakefile)
    return done.stdout + done.stderr


def copied(project: Project, folder: Path) -> Project:
    """Return a copy of a project, with its times."""
    shutil.copytree(project.folder, folder, symlinks=True)
    return Project(folder)


def unmade(project: Project, folder: Path) -> Project:
    """Return a copy of a project in which nothing was ever run."""
    shutil.copytree(
        project.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(*MADE, "__pycache__")
    )
    return Project(folder)


def both(function: Callable, given: Iterable) -> list:
    """Return the function's results for each of the given, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, given))
