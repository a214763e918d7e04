"""The whole config: read, completed, checked once, with every problem in one message."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from slmrag.config.error_messages import message, sentences, without
from slmrag.config.redaction import MASK, masked_paths
from slmrag.config.references import problems_of_names, problems_of_references
from slmrag.config.schema import Config
from slmrag.config.yaml_scalars import resolve_scalars
from slmrag.errors import UserError


def load(raw: Mapping[str, Any]) -> Config:
    """Return the config that ``raw`` describes; an entry of null is as if it were not there.

    ``raw`` holds plain values, or scalars as typed: a text is what was typed, quoted or not.
    Raises UserError with one line for each problem: its path, the value, and the nearest name.
    """
    raw = _without_nulls(resolve_scalars(raw, Config))
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        found = [*sentences(error, Config), *_names_beside(error, raw)]
        raise UserError(message(found)) from None
    if problems := [*_secrets_to_put_back(raw), *problems_of_references(config)]:
        raise UserError(message(problems))
    return config


def plain(config: Config) -> dict[str, Any]:
    """Return the checked config as plain values, without the keys that are not set."""
    return config.model_dump(mode="json", exclude_none=True)


def _secrets_to_put_back(raw: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each value that was masked when the config was saved."""
    return [f"{path}: {MASK} stands for a secret; put it back" for path in masked_paths(raw)]


def _names_beside(error: ValidationError, raw: dict[str, Any]) -> list[str]:
    """Return what is wrong with names, too, where the config is whole without the bad keys."""
    try:
        return problems_of_names(Config.model_validate(without(error, raw)))
    except ValidationError:
        return []


def _without_nulls(raw: Mapping[str, Any]) -> dict[str, Any]:
    def entries(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {str(name): entry for name, entry in table.items() if entry is not None}

    return {str(key): entries(table) for key, table in raw.items() if table is not None}
