"""A digest of the code that can change a rule's output, without comments and docstrings."""

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from slmrag.dag.rooms import REGISTRIES, TRANSPORTS, WATCHERS

SCRIPTS = Path(__file__).resolve().parents[2]
PACKAGE = "slmrag"

_DOTTED = re.compile(rf"{PACKAGE}(\.\w+)+")

Chosen = str | tuple[str, ...]


@cache
def code_digest(script: str, **chosen: Chosen) -> str:
    """Return a digest of ``workflow/scripts/{script}.py`` and all of ours that it imports.

    ``chosen`` names the modules of a registry that count: with ``retrieval="dense"``, or
    ``formats=("csv", "kilt")``, other kinds are left out; without a choice, all count. Imports
    inside functions count, and so do texts that are exactly a module's name (``python -m``);
    imports by a computed name are not seen.
    """
    parts = [f"{path.relative_to(SCRIPTS)}\n{_syntax(path)}" for path in modules(script, **chosen)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def modules(script: str, **chosen: Chosen) -> list[Path]:
    """Return the files that ``code_digest`` hashes; LookupError for a kind without a module."""
    found, waiting = set(), [SCRIPTS / f"{script}.py", *_chosen_modules(chosen)]
    passed_over = _registry_files() if chosen else frozenset()
    while waiting:
        path = waiting.pop()
        if path not in found and path not in passed_over:
            found.add(path)
            waiting.extend(_imported(path))
    return sorted(found - _registry_files())


def _chosen_modules(chosen: dict[str, Chosen]) -> Iterator[Path]:
    for registry, kinds in chosen.items():
        package = REGISTRIES[registry]
        for kind in (kinds,) if isinstance(kinds, str) else kinds:
            path = SCRIPTS / PACKAGE / package / f"{kind}.py"
            if not path.is_file():
                raise LookupError(f"{PACKAGE}/{package} has no module {kind}.py")
            yield path


def _registry_files() -> frozenset[Path]:
    """Return the ``__init__.py`` files of the registries."""
    return frozenset(SCRIPTS / PACKAGE / one / "__init__.py" for one in REGISTRIES.values())


@cache
def _imported(path: Path) -> frozenset[Path]:
    names = {name for node in ast.walk(_tree(path)) for name in _names_imported(node)}
    return frozenset(file for name in names for file in _modules_named(name.split(".")))


def _names_imported(node: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a statement may import: a.b for ``from a import b``."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    if isinstance(node, ast.Constant) and _DOTTED.fullmatch(str(node.value)):
        yield str(node.value)


def _modules_named(parts: list[str]) -> Iterator[Path]:
    """Yield the module of a dotted name (or of the name without its last part) and its packages.

    Importing it runs the ``__init__`` of its packages; those of registries do nothing.
    """
    if parts[0] != PACKAGE or {*parts[1:2]} & (WATCHERS | TRANSPORTS):
        return
    module = _module(parts)
    if module is None:
        parts, module = parts[:-1], _module(parts[:-1])
    above = (_module(parts[:end]) for end in range(1, len(parts)))
    yield from (path for path in above if path and path not in _registry_files())
    if module is not None:
        yield module


def _module(parts: list[str]) -> Path | None:
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
