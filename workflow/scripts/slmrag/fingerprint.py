"""A digest of the code that can change a rule's outputs: comments, layout and docstrings cannot."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
PACKAGE = "slmrag"

WATCHERS = frozenset(
    {
        "allotment",
        "errors",
        "events",
        "gpu_memory",
        "gpus",
        "job",
        "joblog",
        "logpump",
        "memory",
        "progress",
        "tracking",
    }
)
"""Modules that only look on, or speak."""

TRANSPORTS = frozenset({"storage"})
"""Modules that move bytes whose digest the manifest records."""


@cache
def code(script: str, **chosen: str) -> str:
    """Return a digest of ``workflow/scripts/{script}.py`` and all of ours that it imports.

    ``chosen`` names the one module that a registry will take: with ``retrievers="dense"`` the
    other kinds, which ``slmrag.retrievers`` imports in functions, are left out.
    Imports inside functions count otherwise; imports by a computed name cannot be seen.
    """
    for package, kind in chosen.items():
        if not (SCRIPTS / PACKAGE / package / f"{kind}.py").is_file():
            raise LookupError(f"{PACKAGE}/{package} has no module {kind}.py")
    paths = sorted(_closure(SCRIPTS / f"{script}.py", chosen))
    parts = [f"{path.relative_to(SCRIPTS)}\n{_syntax(path)}" for path in paths]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _closure(start: Path, chosen: dict[str, str]) -> set[Path]:
    found, waiting = set(), [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_followed(path, chosen))
    return found


def _followed(path: Path, chosen: dict[str, str]) -> set[Path]:
    """Return what a module imports; of a registry, its own and the one kind that is chosen."""
    kind = chosen.get(path.parent.name) if path.name == "__init__.py" else None
    if kind is None:
        return _imported(path, in_functions=True)
    return _imported(path, in_functions=False) | {path.with_name(f"{kind}.py")}


@cache
def _imported(path: Path, in_functions: bool) -> frozenset[Path]:
    nodes = ast.walk(_tree(path)) if in_functions else _tree(path).body
    names = {name for node in nodes for name in _names(node)}
    return frozenset(file for name in names if (file := _file(name)) is not None)


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a statement may import; ``from a import b`` names a and a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(name: str) -> Path | None:
    parts = name.split(".")
    if parts[0] != PACKAGE or len(parts) < 2 or parts[1] in WATCHERS | TRANSPORTS:
        return None
    base = SCRIPTS.joinpath(*parts)
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


@cache
def _syntax(path: Path) -> str:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return ast.dump(_tree(path))


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    node.body = [
        statement
        for statement in node.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
