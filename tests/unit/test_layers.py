"""Who may import whom: light parsing, pure domain, one watcher."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from slmrag.dag import fingerprint

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
MODULES = sorted((SCRIPTS / "slmrag").rglob("*.py"))
WATCHERS = fingerprint.WATCHERS - {"errors", "events", "gpus", "progress"}
"""Only job and its helpers know these; everybody may report through events and progress, and ask
which GPUs there are."""

HEAVY = {"torch", "transformers", "vllm", "boto3", "clearml", "mlflow", "altair", "snakemake"}
HEAVY |= {"faiss", "bm25s", "openai", "jnius", "pyserini", "huggingface_hub", "tokenizers"}
HEAVY |= {"markdown_it", "pypdfium2"}


def top_imports(path):
    """Yield the names that a module imports when it is imported."""
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SCRIPTS)))
def test_heavy_libraries_are_imported_in_functions(path):
    """No module imports a heavy library at its top."""
    assert not {name.split(".")[0] for name in top_imports(path)} & HEAVY


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SCRIPTS)))
def test_only_watchers_know_the_watchers(path):
    """No domain module imports the job, the memory sampler or the tracker."""
    room = path.relative_to(SCRIPTS / "slmrag").with_suffix("").parts[0]
    imported = {name.split(".")[1] for name in top_imports(path) if name.startswith("slmrag.")}
    assert room in WATCHERS | {"events", "progress"} or not imported & WATCHERS


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda p: p.stem)
def test_scripts_do_not_import_each_other(path):
    """A script imports the package and never another script."""
    others = {other.stem for other in SCRIPTS.glob("*.py")}
    assert not {name.split(".")[0] for name in top_imports(path)} & others


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda p: p.stem)
def test_a_script_ends_with_the_one_line(path):
    """Each script's last statement runs its main as a watched job."""
    assert path.read_text().rstrip().splitlines()[-1].strip().startswith("run_job(snakemake, main)")


def test_parsing_needs_nothing_heavy():
    """config, grid and fingerprint import the standard library, pydantic and yaml alone."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "from slmrag import config, fingerprint, grid\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    run = [sys.executable, "-c", program, str(SCRIPTS)]
    loaded = set(subprocess.run(run, capture_output=True, text=True, check=True).stdout.split())
    allowed = {"slmrag", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"}
    foreign = loaded - allowed - {"typing_inspection", "yaml"} - set(sys.stdlib_module_names)
    of_python = ("_sysconfigdata", "_cython", "cython_runtime")
    assert {name for name in foreign if not name.startswith(of_python)} == set()
