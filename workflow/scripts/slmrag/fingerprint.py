"""A digest of the code that can change a rule's outputs: comments, layout and docstrings cannot."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
PACKAGE = "slmrag"

WATCHERS = frozenset({"errors", "events", "job", "memory", "progress", "redaction", "tracking"})
"""Modules that only look on, or speak."""

TRANSPORTS = frozenset({"storage"})
"""Modules that move bytes whose digest the manifest records."""


@cache
def code(script: str) -> str:
    """Return a digest of ``workflow/scripts/{script}.py`` and all of ours that it imports.

    Imports inside functions count; imports by name at run time (importlib) cannot be seen.
    """
    paths = sorted(_closure(SCRIPTS / f"{script}.py"))
    parts = [f"{path.relative_to(SCRIPTS)}\n{_syntax(path)}" for path in paths]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _closure(start: Path) -> set[Path]:
    found, waiting = set(), [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imported(path))
    return found


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    names = {name for node in ast.walk(_tree(path)) for name in _names(node)}
    return tuple(file for name in sorted(names) if (file := _file(name)) is not None)


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
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return ast.dump(tree)


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    node.body = [
        statement
        for statement in node.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
