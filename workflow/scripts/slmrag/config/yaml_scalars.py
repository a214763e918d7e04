"""YAML scalars that keep the text as typed: a name must not become a number, a date or false.

YAML 1.1 reads 007 as 7, 1.50 as 1.5, 2024_06 as 202406 and off as false. Only the key says what is
meant, so text and value are kept until it is known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args, get_origin

import yaml

from slmrag.config.base import Entry, annotation_parts
from slmrag.errors import UserError

YAML_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Scalar:
    """A scalar without quotes: YAML's value and the text as typed."""

    value: bool | int | float | date
    text: str


class DuplicateKeyLoader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """A loader that refuses a key that is twice in one table."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; UserError names a duplicate key and its line."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise UserError(
                    f"{node.start_mark.name}, line {key.start_mark.line + 1}: "
                    f"'{name}' occurs twice; keep one, or put all entries under the first"
                )
            seen.add(name)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


class AsTypedLoader(DuplicateKeyLoader):
    """A loader whose keys are texts and whose numbers, dates and booleans are ``Scalar``."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping with its keys as they were typed."""
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{YAML_TAG}merge":
                key.tag = f"{YAML_TAG}str"
        return super().construct_mapping(node, deep)


def _construct_scalar(loader: AsTypedLoader, node: yaml.ScalarNode) -> Scalar | str:
    """Return the scalar; a text if it only looks like a number or a date."""
    try:
        return Scalar(_scalar_value(loader, node), node.value)
    except ValueError:  # the 45th of a month
        return str(node.value)


def _scalar_value(loader: AsTypedLoader, node: yaml.ScalarNode) -> Any:
    """Return YAML's value, except that 010 is ten and 1:30 is no number."""
    plain = node.value.replace("_", "")
    if node.tag == f"{YAML_TAG}int" and re.fullmatch(r"[-+]?[0-9]+", plain):
        return int(plain)
    if ":" in plain and node.tag != f"{YAML_TAG}timestamp":
        raise ValueError("minutes are no digits")
    return DuplicateKeyLoader.yaml_constructors[node.tag](loader, node)


for _kind in ("bool", "int", "float", "timestamp"):
    AsTypedLoader.add_constructor(f"{YAML_TAG}{_kind}", _construct_scalar)
AsTypedLoader.add_implicit_resolver(  # YAML 1.1 takes 1e-3 for text
    f"{YAML_TAG}float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def require_text_keys(tree: Any, path: str = "config") -> Any:
    """Return a table that YAML has read; UserError for a key that is no text."""
    if isinstance(tree, Mapping):
        for key in tree:
            if not isinstance(key, str):
                raise UserError(f"{path}: {key!r} is YAML's reading of a name; quote it")
        return {key: require_text_keys(value, f"{path}.{key}") for key, value in tree.items()}
    return [require_text_keys(value, path) for value in tree] if isinstance(tree, list) else tree


def resolve_scalars(tree: Any, *wanted: Any) -> Any:
    """Return a tree of plain values: the text as typed where an annotation asks for text."""
    if isinstance(tree, Mapping):
        return {
            key: resolve_scalars(value, *_annotations_below(wanted, key))
            for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [resolve_scalars(value, *_annotations_below(wanted, None)) for value in tree]
    if not isinstance(tree, Scalar):
        return tree
    asked = set().union(*map(annotation_parts, wanted))
    kinds = {int, float} if type(tree.value) is int else {type(tree.value)}
    as_text = tree.text in asked or (str in asked and not kinds & asked)
    return tree.text if as_text else tree.value


def _annotations_below(wanted: tuple[Any, ...], key: str | None) -> Iterator[Any]:
    """Yield the annotations of a key (None: of a list's items) of values with these annotations."""
    for annotation in wanted:
        arguments = get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Entry):
            if key in annotation.model_fields:
                yield annotation.model_fields[key].annotation
        elif get_origin(annotation) in (dict, list):
            yield arguments[-1]
        else:
            yield from _annotations_below(arguments, key)
