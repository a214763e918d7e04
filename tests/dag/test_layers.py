"""Who may import whom: light parsing, pure domain, one watcher."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from slmrag.dag.rooms import BESIDE_STAGES, JOB_MODULES_OF_STAGES, ORDER

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
MODULES = sorted((SCRIPTS / "slmrag").rglob("*.py"))
HEAVY = {"torch", "transformers", "vllm", "boto3", "clearml", "mlflow", "altair", "snakemake"}
HEAVY |= {"faiss", "bm25s", "openai", "jnius", "pyserini", "huggingface_hub", "tokenizers"}
HEAVY |= {"markdown_it", "pypdfium2"}


def named(node):
    """Yield the names that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top_imports(path):
    """Yield the names that a module imports when it is imported."""
    for node in ast.parse(path.read_text()).body:
        yield from named(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SCRIPTS)))
def test_heavy_libraries_are_imported_in_functions(path):
    """No module imports a heavy library at its top."""
    assert not {name.split(".")[0] for name in top_imports(path)} & HEAVY


def module_of(name):
    """Return the dotted name of a module of ours that a name is, or is in; None for others."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        base = SCRIPTS.joinpath(*parts[:end])
        if base.with_suffix(".py").is_file() or (base / "__init__.py").is_file():
            return ".".join(parts[1:end])
    return None


def imports(path):
    """Return the modules of ours, dotted below the package, that a module imports anywhere."""
    names = {name for node in ast.walk(ast.parse(path.read_text())) for name in named(node)}
    found = {module for name in names if (module := module_of(name))}
    return {one for one in found if not any(other.startswith(f"{one}.") for other in found)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SCRIPTS)))
def test_no_arrow_points_upward(path):
    """A stage imports from itself and from earlier rooms, and of a job only what is common."""
    room = path.relative_to(SCRIPTS / "slmrag").with_suffix("").parts[0]
    if room not in ORDER:
        assert room in BESIDE_STAGES | {"__init__"}
        return
    found = {one for one in imports(path) - JOB_MODULES_OF_STAGES if one.split(".")[0] != room}
    assert not {one for one in found if one.split(".")[0] not in ORDER[: ORDER.index(room)]}


def test_no_circle():
    """No module imports itself by way of others."""
    own = {".".join(p.relative_to(SCRIPTS).with_suffix("").parts[1:]): p for p in MODULES}
    own = {name.removesuffix(".__init__"): path for name, path in own.items()}
    TopologicalSorter({name: imports(path) - {name} for name, path in own.items()}).prepare()


def test_a_job_knows_nothing_of_the_plan():
    """``dag`` may ask about jobs, never the reverse."""
    job = [path for path in MODULES if path.parent.name == "job"]
    assert not [(path.stem, one) for path in job for one in imports(path) if one.startswith("dag")]


def test_rooms_are_few():
    """At most 14 rooms, and beside them nothing but the ground."""
    rooms = {path.relative_to(SCRIPTS / "slmrag").parts[0] for path in MODULES}
    assert rooms == {*ORDER, *BESIDE_STAGES, "__init__.py", "errors.py", "files.py"} - {
        "errors",
        "files",
    }
    assert len(rooms) <= 14 + 3


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
        "from slmrag.dag import fingerprint, grid; from slmrag.config import load\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    run = [sys.executable, "-c", program, str(SCRIPTS)]
    loaded = set(subprocess.run(run, capture_output=True, text=True, check=True).stdout.split())
    allowed = {"slmrag", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"}
    foreign = loaded - allowed - {"typing_inspection", "yaml"} - set(sys.stdlib_module_names)
    of_python = ("_sysconfigdata", "_cython", "cython_runtime")
    assert {name for name in foreign if not name.startswith(of_python)} == set()
