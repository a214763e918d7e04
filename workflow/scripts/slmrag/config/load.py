"""The whole config: checked once, with all problems in one message."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from slmrag.config.error_messages import drop_invalid_keys, problems_message, validation_sentences
from slmrag.config.redaction import MASK, masked_paths
from slmrag.config.references import name_problems, reference_problems
from slmrag.config.schema import Config
from slmrag.config.yaml_scalars import resolve_scalars
from slmrag.errors import UserError


def load(raw: Mapping[str, Any]) -> Config:
    """Return the config that ``raw`` describes; an entry of null is left out.

    ``raw`` holds plain values, or scalars as typed: a text is what was typed, quoted or not.
    Raises UserError with one line for each problem: its path, the value, and the nearest name.
    """
    raw = _without_nulls(resolve_scalars(raw, Config))
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        found = [*validation_sentences(error, Config), *_further_name_problems(error, raw)]
        raise UserError(problems_message(found)) from None
    if problems := [*_masked_secrets(raw), *reference_problems(config)]:
        raise UserError(problems_message(problems))
    return config


def plain_values(config: Config) -> dict[str, Any]:
    """Return the checked config as plain values, without the keys that are not set."""
    return config.model_dump(mode="json", exclude_none=True)


def _masked_secrets(raw: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each value that was masked when the config was saved."""
    return [f"{path}: {MASK} stands for a secret; put it back" for path in masked_paths(raw)]


def _further_name_problems(error: ValidationError, raw: dict[str, Any]) -> list[str]:
    """Return the unknown names as well, if the config is valid without its invalid keys."""
    try:
        return name_problems(Config.model_validate(drop_invalid_keys(error, raw)))
    except ValidationError:
        return []


def _without_nulls(raw: Mapping[str, Any]) -> dict[str, Any]:
    def entries(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {str(name): entry for name, entry in table.items() if entry is not None}

    return {str(key): entries(table) for key, table in raw.items() if table is not None}
