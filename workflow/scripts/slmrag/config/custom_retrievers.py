"""Entry classes for kinds of retriever that are in the registry only, read from their modules.

Such a module states its keys and their defaults: ``BUILD`` has those that change the index,
``SEARCH`` the others. They are read without an import, since parsing needs none of its libraries.
``BUILD`` is in ``slmrag/indexing/<kind>.py`` if that file exists.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model

from slmrag.config.base import Entry
from slmrag.errors import UserError

RETRIEVAL_FOLDER = Path(__file__).parents[1] / "retrieval"


def registered_kinds(registry: Path = RETRIEVAL_FOLDER / "__init__.py") -> list[str]:
    """Return the names of all kinds of retriever: the keys of the registry's ``KINDS``."""
    for node in ast.parse(registry.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "KINDS":
            assert isinstance(node.value, ast.Dict)
            return [str(ast.literal_eval(key)) for key in node.value.keys if key]
    raise UserError(f"{registry}: has no KINDS: a table of names and functions")


def entry_classes(
    kinds: Iterable[str], base: type[Entry], folder: Path = RETRIEVAL_FOLDER
) -> list[type[Entry]]:
    """Return a class for each kind, with the keys that ``folder/<kind>.py`` names."""
    return [entry_class(kind, base, folder / f"{kind}.py") for kind in kinds]


def entry_class(kind: str, base: type[Entry], path: Path) -> type[Entry]:
    """Return the class of one kind; unset keys are None, as in every entry."""
    builder = path.parents[1] / "indexing" / path.name
    build = _literal(builder if builder.is_file() else path, "BUILD")
    search = _literal(path, "SEARCH")
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for table in (build, search):
        fields |= {key: _field(default) for key, default in (table or {}).items()}
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or kind
    keys = frozenset[str]() if build is None else frozenset({"kind", *build})
    names = {"BUILD": keys}
    return create_model(
        kind, __base__=base, __doc__=docstring.splitlines()[0], __namespace__=names, **fields
    )


def _literal(path: Path, name: str) -> Mapping[str, Any] | None:
    """Return the value of a module's constant, or None where it has none."""
    if not path.is_file():
        raise UserError(f"{path}: does not exist, but its kind of retriever is in KINDS")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            try:
                value: Mapping[str, Any] = ast.literal_eval(node.value)
                return value
            except ValueError as error:
                raise UserError(f"{path}: {name} must be written out, key by key") from error
    return None


def _field(default: Any) -> tuple[Any, Any]:
    """Return pydantic's type and default of a key; None takes text, numbers and lists of names."""
    kinds = {bool: bool, int: int, float: float, str: str}
    kind = kinds.get(type(default), str | int | float | list[str])
    return kind | None, Field(None, description=f"({default})" if default is not None else "")
