"""What all entries share: nothing unknown is accepted, nothing unset is passed on."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Entry(BaseModel):
    """A part of the config that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    HARDWARE: ClassVar[frozenset[str]] = frozenset()
    """Keys that change how fast or where, never what: they are no reason to rerun."""

    def params(self) -> dict[str, Any]:
        """Return the keys that are set, without those of the hardware, as plain values."""
        return self.model_dump(mode="json", exclude_none=True, exclude=set(self.HARDWARE))

    def hardware(self) -> dict[str, Any]:
        """Return the keys of the hardware that are set."""
        return self.model_dump(mode="json", exclude_none=True, include=set(self.HARDWARE))
