"""What all entries share: unknown keys are refused, and keys that are not set are left out."""

import re
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    model_validator,
)

from slmrag.config.hub_names import HUB_SCHEME, hub_name, named_revision

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80),
]


def _check_scheme(value: str) -> str:
    """Refuse an address with an unknown scheme (``hff:org/name``), a data set, or a pattern."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", value)
    if scheme and scheme[1] not in ("hf", "s3", "file"):
        raise ValueError(
            f"{scheme[1]}: is no scheme; use hf:org/name, s3://bucket/prefix/ or a folder"
        )
    if value.startswith(HUB_SCHEME) and hub_name(value).dataset:
        raise ValueError(f"{value} names a data set; a model is hf:org/name")
    if scheme and "*" in value:
        raise ValueError(f"{value} is a pattern, but a checkpoint is one folder; name the folder")
    return value


Address = Annotated[str, StringConstraints(min_length=1), AfterValidator(_check_scheme)]
"""The name of a model on the hub, a prefix, or a folder."""

AS_PARAMS = {"as": "params"}
"""The context by which an entry knows that it is dumped as a part of params."""

REVISIONS = {
    "checkpoint": "revision",
    "encoder": "encoder_revision",
    "query_encoder": "query_encoder_revision",
}
"""Keys that name a checkpoint, and the keys of their revisions."""


def address(value: Any) -> str:
    """Return the address in a key's value, which is an address or an entry; empty for none."""
    return getattr(value, "uri", value) or ""


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Entry(BaseModel):
    """A part of the config that refuses unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )

    HARDWARE: ClassVar[frozenset[str]] = frozenset()
    """Keys that change speed, place or price but never the output: no reason to rerun."""

    @model_validator(mode="before")
    @classmethod
    def refuse_bool_for_number(cls, raw: Any) -> Any:
        """Refuse true and false where a number is meant: they would count as 1 and 0."""
        for key, value in raw.items() if isinstance(raw, dict) else ():
            kinds = (
                annotation_parts(cls.model_fields[key].annotation)
                if key in cls.model_fields
                else {bool}
            )
            if isinstance(value, bool) and {int, float} & kinds and bool not in kinds:
                raise ValueError(f"{key} should be a number, not {str(value).lower()}")
        return raw

    @model_validator(mode="before")
    @classmethod
    def sort_free_tables(cls, raw: Any) -> Any:
        """Sort the keys of free tables (``options``, ``columns``): order must rerun nothing."""
        if not isinstance(raw, dict):
            return raw
        return {
            key: _sorted_keys(value) if cls._is_free(key) else value for key, value in raw.items()
        }

    @model_validator(mode="after")
    def refuse_two_revisions(self) -> Self:
        """Refuse a checkpoint whose address names one revision and whose key another."""
        for where, key in REVISIONS.items():
            named = named_revision(address(getattr(self, where, None)))
            typed = getattr(self, key, None)
            if named and typed and named != typed:
                raise ValueError(
                    f"{where} names revision {named}, and {key} is {typed}; remove one"
                )
        return self

    @classmethod
    def _is_free(cls, key: str) -> bool:
        """Tell whether a key holds a free table: neither an entry nor a table of entries."""
        if key not in cls.model_fields:
            return False
        types = annotation_parts(cls.model_fields[key].annotation)
        return any(get_origin(part) is dict for part in types) and not any(
            isinstance(part, type) and issubclass(part, Entry) for part in types
        )

    def params(self) -> dict[str, Any]:
        """Return the keys that are set, without the hardware keys, as plain values."""
        return self.model_dump(
            mode="json", exclude_none=True, exclude=set(self.HARDWARE), context=AS_PARAMS
        )

    def hardware(self) -> dict[str, Any]:
        """Return the hardware keys that are set."""
        return self.model_dump(mode="json", exclude_none=True, include=set(self.HARDWARE))


def _sorted_keys(value: Any) -> Any:
    """Return a value with the keys of its tables sorted; lists keep their order."""
    if isinstance(value, dict):
        return {key: _sorted_keys(value[key]) for key in sorted(value, key=str)}
    return [_sorted_keys(item) for item in value] if isinstance(value, list) else value


def annotation_parts(annotation: Any) -> set[Any]:
    """Return the types that an annotation is made of."""
    return {annotation}.union(*map(annotation_parts, get_args(annotation)))
