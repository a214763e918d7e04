"""Parsing and planning write nothing, ask no host and import nothing heavy."""

import hashlib
from pathlib import Path

import pytest

from tests.workflow.finished import copy_repo
from tests.workflow.project import Project, make_project

pytestmark = pytest.mark.slow
HEAVY = "torch transformers tokenizers vllm polars scipy clearml mlflow altair sklearn"
"""Not pandas and boto3, which Snakemake and its Slurm plugin import themselves."""
WATCH = f"""
import os, sys

HEAVY = set({HEAVY.split()!r})


def watch(event, args):
    bad = event in ("socket.connect", "socket.getaddrinfo", "socket.sendto")
    if bad or event == "import" and args[0].partition(".")[0] in HEAVY:
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{{event}} {{args}}\\n")


sys.addaudithook(watch)
"""
REMOTE = {
    "objects": {
        "passages": {"uri": "s3://bucket/passages.tsv"},
        "questions": {"uri": "https://example.org/questions.json"},
    },
    "storage": {"endpoint_url": "http://127.0.0.1:9"},
    "retrievers": {
        "dense": {"kind": "dense", "encoder": "hf:some/encoder"},
        "both": {"kind": "rrf", "of": ["bm25", "dense"]},
    },
    "modes": {"retriever_context": {"retriever": "both"}},
    "models": {
        "small": {"checkpoint": "hf:some/model", "engine": "vllm"},
        "other": {"checkpoint": "s3://bucket/model/", "engine": "transformers"},
    },
    "tracking": {"backend": "clearml", "mode": "online"},
}
TARGETS = "all report retrieval answers verify journal prune_journal clean_experiment"
COMMANDS = [
    ["-n"],
    ["-n", *TARGETS.split(), "sync_tracking", "results/tiny/scores/small/quiz/no_context.json"],
    ["-n", "--logger", "explain", "--", "results/tiny/report/comparison.csv"],
    ["--list-rules"],
    ["--rulegraph"],
    ["--summary"],
    ["--lint"],
]


@pytest.fixture(scope="module")
def remote(tmp_path_factory) -> Project:
    """A project that names S3, the Hub and a tracker, beside a copy of the repository."""
    folder = tmp_path_factory.mktemp("pure")
    project = make_project(folder / "project", **REMOTE)
    copy_repo(folder / "repo")
    (project.folder / "config").symlink_to("../repo/config")
    (folder / "watch").mkdir()
    (folder / "watch/sitecustomize.py").write_text(WATCH)
    return project


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[-2:]))
def test_a_plan_does_nothing_else(remote, command, tmp_path):
    """Nothing but Snakemake's own folder changes, no socket is opened, no heavy import is tried."""
    base = remote.folder.parent
    watched = tmp_path / "watched"
    environment = {
        "PYTHONPATH": f"{base / 'watch'}:{base / 'repo/workflow/plugins'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "WATCHED": str(watched),
    }
    before = tree(base)
    done = remote.snakemake(
        *command, env=environment, snakefile=base / "repo/Snakefile", check=command != ["--lint"]
    )
    assert done.stdout + done.stderr
    assert tree(base) == before
    assert not watched.exists(), watched.read_text()


def tree(base: Path) -> dict[str, tuple]:
    """Return time and digest of each file below a folder, but for Snakemake's own."""
    return {
        str(path): (path.stat().st_mtime_ns, path.is_file() and digest(path))
        for path in base.rglob("*")
        if ".snakemake" not in path.parts and path != base / "project"
    }


def digest(path: Path) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
