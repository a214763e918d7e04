"""The config's YAML, read strictly: errors name the line, keys are unique, values as typed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from slmrag.config.yaml_scalars import AsTypedLoader, DuplicateKeyLoader
from slmrag.errors import UserError

EXAMPLE_HINT = "; see config/config.yaml"


def merge_cli_config(paths: Iterable[str | Path], settings: Iterable[str]) -> dict[str, Any]:
    """Return the merged config of the files, in order, and of the ``--config`` settings.

    Values are as typed (``yaml_scalars.Scalar``). Snakemake reads the same by looser rules, and
    ``--config`` without types: there a nested null is a word, and a number a string.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        merged = _merge(merged, _read_typed(path))
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            merged = _merge(merged, {name: yaml.load(value, AsTypedLoader)})
        except yaml.YAMLError as error:
            problem = str(getattr(error, "problem", None) or error)
            raise UserError(f"--config {setting}: not YAML ({problem}); correct it") from None
        except UserError as error:
            raise UserError(f"--config {setting}: {error}") from None
    return merged


def _read_typed(path: str | Path) -> dict[Any, Any]:
    """Return a file's table as typed; a template (YTE) is rendered, so its values are plain."""
    table = read_table(path, EXAMPLE_HINT, AsTypedLoader)
    if "__use_yte__" not in table:
        return table
    import yte

    with open(path, encoding="utf-8") as file:
        values: dict[Any, Any] = yte.process_yaml(file, require_use_yte=True)
    return values


def _merge(base: Any, over: Any) -> Any:
    """Return ``base`` updated with ``over``, table by table."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    return {**base, **{key: _merge(base.get(key), value) for key, value in over.items()}}


def read_table(
    path: str | Path, hint: str = "", loader: type[DuplicateKeyLoader] = DuplicateKeyLoader
) -> dict[Any, Any]:
    """Return a file's table of keys; UserError with file and line if there is none."""
    with open(path, encoding="utf-8") as file:
        try:
            table = yaml.load(file, loader)
        except yaml.MarkedYAMLError as error:
            raise UserError(_yaml_error(Path(path), error)) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: no YAML in UTF-8: {str(error).splitlines()[0]}") from None
    if not isinstance(table, dict):
        raise UserError(f"{path}: holds no table of keys{hint}")
    return table


def _yaml_error(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{path}{place}: {error.problem or error.context}; correct the YAML there"
