"""The config's YAML, read strictly once more: where it is broken, and what stands twice."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from slmrag.errors import UserError


class Strict(yaml.SafeLoader):
    """A loader that refuses a key that stands twice in one table."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping, or say which key stands twice and where."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise UserError(
                    f"{node.start_mark.name}, line {key.start_mark.line + 1}: "
                    f"'{name}' stands twice; keep one, or put all entries under the first"
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def settled(config: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Return the config with the ``NAME=VALUE`` of ``--config`` read as YAML, and merged deep.

    Snakemake reads them without types: a nested null would be the word, a number a string.
    """
    merged = dict(config)
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            merged = _merged(merged, {name: yaml.load(value, yaml.SafeLoader)})
        except yaml.YAMLError as error:
            problem = str(getattr(error, "problem", None) or error)
            raise UserError(f"--config {setting}: no YAML ({problem}); mend it") from None
    return merged


def _merged(base: Any, over: Any) -> Any:
    """Return ``base`` with all of ``over`` in it, table by table."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def check(paths: Iterable[str | Path]) -> None:
    """Raise UserError, with file and line, for a file that is no YAML table or has a key twice."""
    for path in paths:
        read(path, "; see config/config.yaml")


def read(path: str | Path, hint: str = "") -> dict[Any, Any]:
    """Return a file's table of keys; UserError with file and line where it holds none."""
    with open(path, encoding="utf-8") as file:
        try:
            table = yaml.load(file, Strict)
        except yaml.MarkedYAMLError as error:
            raise UserError(_sentence(Path(path), error)) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: no YAML in UTF-8: {str(error).splitlines()[0]}") from None
    if not isinstance(table, dict):
        raise UserError(f"{path}: holds no table of keys{hint}")
    return table


def _sentence(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{path}{place}: {error.problem or error.context}; mend the YAML there"
