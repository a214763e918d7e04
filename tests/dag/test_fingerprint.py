"""The fingerprint changes with what a script does, and with nothing else."""

import dis
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from slmrag.dag import fingerprint
from slmrag.dag.rooms import REGISTRIES, TRANSPORTS, WATCHERS
from slmrag.data.formats import FORMATS
from slmrag.generation.engines import ENGINES, engine
from slmrag.indexing import BUILDERS, package_of
from slmrag.retrieval import KINDS, retriever

REPO = fingerprint.SCRIPTS
PACKAGE = REPO / "slmrag"
LOADERS = {name: partial(engine, name) for name in ENGINES}
KIND_OF = {"engines": LOADERS, "formats": FORMATS, "indexing": BUILDERS, "retrieval": KINDS}
CHOOSING = {
    "prepare_corpus": "formats",
    "prepare_dataset": "formats",
    "index_passages": "indexing",
    "retrieve_passages": "retrieval",
    "generate_answers": "engines",
    "grade_answers": "engines",
}
SCRIPT_NAMES = sorted(path.stem for path in REPO.glob("*.py"))
JOBS = [
    (script, {package: kind} if package else {})
    for script in SCRIPT_NAMES
    for package in [CHOOSING.get(script)]
    for kind in (KIND_OF[package] if package else [""])
]
"""Each script, with each kind that an entry can choose for it."""

SCRIPT = '''"""Doc."""
from slmrag.pure import double


def main():
    """Doc."""
    return double(2)
'''


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of scripts with a small package."""
    package = tmp_path / "slmrag"
    (package / "kinds").mkdir(parents=True)
    (tmp_path / "work.py").write_text(SCRIPT)
    (package / "pure.py").write_text("def double(x):\n    return 2 * x\n")
    (package / "job").mkdir()
    (package / "job/run.py").write_text("SECONDS = 1\n")
    registry = (
        "def a():\n    from slmrag.kinds import a\n\ndef b():\n    from slmrag.kinds import b\n"
    )
    (package / "kinds/__init__.py").write_text(registry)
    (package / "kinds/a.py").write_text("A = 1\n")
    (package / "kinds/b.py").write_text("B = 1\n")
    monkeypatch.setattr(fingerprint, "SCRIPTS", tmp_path)
    monkeypatch.setattr(fingerprint, "REGISTRIES", {"kinds": "kinds"})
    return tmp_path


def code(*args, **chosen):
    """Return a fingerprint computed afresh, and let nothing of it be remembered."""
    forget()
    try:
        return fingerprint.code_digest(*args, **chosen)
    finally:
        forget()


def forget():
    """Forget all that was read of the code."""
    for function in (
        fingerprint.code_digest,
        fingerprint._imported,
        fingerprint._tree,
        fingerprint._syntax,
    ):
        function.cache_clear()


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("double(2)", "double(3)", True),
        ("return", "# why\n    return", False),
        ('"""Doc."""', '"""Other."""', False),
        ("double(2)", "double( 2 )", False),
        ("from slmrag.pure", "from slmrag import job\nfrom slmrag.pure", True),
    ],
)
def test_a_script_s_own_edit(scripts, old, new, changes):
    """Comments, layout and docstrings change nothing; a statement does."""
    before = code("work")
    (scripts / "work.py").write_text(SCRIPT.replace(old, new))
    assert (code("work") != before) is changes


def test_an_imported_module_counts(scripts):
    """An edit of a module that the script imports changes its fingerprint."""
    before = code("work")
    (scripts / "slmrag/pure.py").write_text("def double(x):\n    return x + x\n")
    assert code("work") != before


def test_a_watcher_does_not_count(scripts):
    """An edit of what only watches changes nothing."""
    (scripts / "work.py").write_text("from slmrag.job.run import SECONDS\n" + SCRIPT)
    before = code("work")
    (scripts / "slmrag/job/run.py").write_text("SECONDS = 2\n")
    assert code("work") == before


def test_of_a_registry_the_chosen_kind_counts_alone(scripts):
    """With kind a chosen, an edit of b changes nothing, and one of a does."""
    (scripts / "work.py").write_text("from slmrag.kinds import pick\n")
    before = code("work", kinds="a")
    (scripts / "slmrag/kinds/b.py").write_text("B = 2\n")
    assert code("work", kinds="a") == before
    assert code("work") != before
    (scripts / "slmrag/kinds/a.py").write_text("A = 2\n")
    assert code("work", kinds="a") != before


def test_an_unknown_kind_is_refused(scripts):
    """A kind without a module is an error of ours, seen at once."""
    with pytest.raises(LookupError, match="no module c"):
        code("work", kinds="c")


def test_several_kinds_can_be_chosen(scripts):
    """With kinds a and b chosen, an edit of either changes it."""
    (scripts / "work.py").write_text("from slmrag.kinds import a\n")
    before = code("work", kinds=("a", "b"))
    (scripts / "slmrag/kinds/b.py").write_text("B = 2\n")
    assert code("work", kinds=("a", "b")) != before
    assert code("work", kinds=("a",)) == code("work", kinds="a")


def test_a_registry_does_not_count(scripts):
    """A kind that is added to a registry changes nothing, for neither its users nor its others."""
    (scripts / "work.py").write_text("from slmrag.kinds import a\n")
    (scripts / "other.py").write_text("from slmrag.kinds.a import A\n")
    before = code("work", kinds="a"), code("other")
    registry = scripts / "slmrag/kinds/__init__.py"
    registry.write_text(f"{registry.read_text()}\n\ndef c():\n    from slmrag.kinds import c\n")
    assert (code("work", kinds="a"), code("other")) == before
    (scripts / "slmrag/kinds/b.py").write_text("B = 2\n")
    assert (code("work", kinds="a"), code("other")) == before


def test_what_a_package_runs_before_its_module_counts(scripts):
    """An edit of a package's first file counts for who imports one of its modules."""
    (scripts / "slmrag/room").mkdir()
    (scripts / "slmrag/room/__init__.py").write_text("")
    (scripts / "slmrag/room/thing.py").write_text("T = 1\n")
    (scripts / "work.py").write_text("from slmrag.room.thing import T\n")
    before = code("work")
    (scripts / "slmrag/room/__init__.py").write_text("R = 1\n")
    assert code("work") != before


def test_a_module_that_is_run_by_its_name_counts(scripts):
    """A text that is a module's name is an import: ``python -m``, a class that a library loads."""
    (scripts / "work.py").write_text('RUN = ["-m", "slmrag.pure"]\n')
    before = code("work")
    (scripts / "slmrag/pure.py").write_text("")
    assert code("work") != before


def test_every_script_has_a_fingerprint():
    """Each script of the workflow can be fingerprinted, and no two jobs' are alike."""
    found = {fingerprint.code_digest(script, **chosen) for script, chosen in JOBS}
    assert len(found) == len(JOBS) > len(SCRIPT_NAMES)


@pytest.mark.parametrize("package", KIND_OF)
def test_a_kind_is_the_module_of_its_name(package):
    """A registry finds the module that counts in its place."""
    for kind, load in KIND_OF[package].items():
        found = load()
        assert getattr(found, "__module__", found.__name__) == f"{dotted(package)}.{kind}"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if hasattr(retriever(kind), "search")])
def test_an_index_is_built_by_the_module_that_counts(kind):
    """What builds a kind's index is of the package that the rule asks for."""
    module = BUILDERS[kind]() if kind in BUILDERS else retriever(kind)
    assert module.__name__ == f"slmrag.{package_of(kind)}.{kind}" and module.BUILD
    assert package_of("of_ones_own") == "retrieval"


@pytest.mark.parametrize(("script", "chosen"), JOBS)
def test_all_that_the_bytecode_imports_counts(script, chosen):
    """Whatever Python would import, by the compiled code, is in the digest, of each kind."""
    assert reached(script, chosen) <= {*fingerprint.modules(script, **chosen)}


@pytest.mark.parametrize(("script", "chosen"), [job for job in JOBS if job[1]])
def test_other_kinds_do_not_count(script, chosen):
    """Of the kinds, only the chosen one is in the digest, and what that itself imports."""
    ((package, kind),) = chosen.items()
    held = {*fingerprint.modules(script, **chosen)}
    folder = PACKAGE / REGISTRIES[package]
    kinds = {folder / f"{name}.py" for name in KIND_OF[package]}
    own = folder / f"{kind}.py"
    assert own in held & kinds <= closure([own])


SEARCH = [
    "data/has_answer",
    *(f"retrieval/{name}" for name in ("bm25_formulas", "hits", "metrics")),
]
SEARCH += [f"retrieval/{name}" for name in ("top_k", "exact/search", "exact/int8", "exact/bounds")]
WORDS = ["indexing/analyzer", "indexing/postings"]
ENCODING = ["models/encoder", "models/transformer", "indexing/encode_passages"]
NEVER = [
    ("encode_passages", {}, [*SEARCH, "data/normalize", *WORDS]),
    ("index_passages", {"indexing": "dense"}, [*SEARCH, "retrieval/dense", "retrieval/ann"]),
    ("index_passages", {"indexing": "rank_bm25"}, [*SEARCH, "retrieval/rank_bm25", *ENCODING]),
    ("index_passages", {"indexing": "bm25s"}, [*SEARCH, "retrieval/bm25s", *ENCODING]),
    ("index_passages", {"indexing": "lucene"}, [*SEARCH, "retrieval/lucene", *ENCODING]),
    (
        "prepare_corpus",
        {"formats": "jsonl"},
        ["data/normalize", "data/has_answer", "data/questions", "data/gold"],
    ),
    (
        "grade_answers",
        {"engines": "echo"},
        ["scoring/qa_metrics", "data/normalize", "scoring/metric_variants"],
    ),
    (
        "score_answers",
        {},
        [
            "generation/generate",
            "generation/journal",
            "generation/answer_extraction",
            "prompts/context",
        ],
    ),
    (
        "build_prompts",
        {},
        ["data/normalize", "retrieval/metrics", "models/tokenizer", "models/chat_template"],
    ),
]


@pytest.mark.parametrize(("script", "chosen", "never"), NEVER)
def test_what_cannot_change_an_output_does_not_count(script, chosen, never):
    """Search is no part of an index, answers are none of a corpus, metrics none of a grade."""
    held = {*fingerprint.modules(script, **chosen)}
    modules = {PACKAGE / f"{name}.py" for name in never}
    assert all(path.is_file() for path in modules)
    assert not held & modules


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(job=st.sampled_from(JOBS), inside=st.booleans(), data=st.data())
def test_a_statement_counts_where_its_module_does(repository, job, inside, data):
    """A statement more in any module changes the digests that hold the module, and no others."""
    script, chosen = job
    before, held = code(script, **chosen), {*fingerprint.modules(script, **chosen)}
    everything = {*repository.rglob("*.py")}
    path = data.draw(st.sampled_from(sorted(held if inside else everything - held)))
    text = path.read_text()
    path.write_text(f"{text}\nONE_MORE = 1\n")
    after = code(script, **chosen)
    path.write_text(text)
    assert (after != before) is inside


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A copy of all scripts and of the package, to edit."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPO, tmp_path / "scripts", ignore=ignore)
    monkeypatch.setattr(fingerprint, "SCRIPTS", tmp_path / "scripts")
    return tmp_path / "scripts"


def dotted(registry: str) -> str:
    """Return the name of a registry's package."""
    return "slmrag." + REGISTRIES[registry].replace("/", ".")


def reached(script: str, chosen: dict[str, str]) -> set[Path]:
    """Return what a script and its chosen kind import, by their bytecode."""
    kinds = [PACKAGE / REGISTRIES[one] / f"{kind}.py" for one, kind in chosen.items()]
    return closure([REPO / f"{script}.py", *kinds])


def closure(starts: list[Path]) -> set[Path]:
    """Return the files that bytecode imports, but for watchers, transports and registries."""
    found, waiting = set(), starts
    firsts = {PACKAGE / one / "__init__.py" for one in REGISTRIES.values()}
    while waiting:
        path = waiting.pop()
        if path not in found | firsts:
            found.add(path)
            names = imports(compile(path.read_bytes(), str(path), "exec"))
            waiting += [file for name in names if (file := file_of(name))]
    return found


def imports(compiled: CodeType) -> Iterator[str]:
    """Yield the dotted names that some bytecode, and the functions in it, may import."""
    module = ""
    for step in dis.get_instructions(compiled):
        if step.opname == "IMPORT_NAME":
            module = step.argval
            yield module
        if step.opname == "IMPORT_FROM":
            yield f"{module}.{step.argval}"
    for constant in compiled.co_consts:
        if isinstance(constant, CodeType):
            yield from imports(constant)
        if isinstance(constant, str) and re.fullmatch(r"slmrag(\.\w+)+", constant):
            yield constant


def file_of(name: str) -> Path | None:
    """Return the file of a module of ours that counts."""
    _, room, *_ = [*name.split("."), "", ""]
    if not name.startswith("slmrag.") or room in WATCHERS | TRANSPORTS:
        return None
    base = REPO.joinpath(*name.split("."))
    files = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in files if path.is_file()), None)
