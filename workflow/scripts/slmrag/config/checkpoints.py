"""How entries name a checkpoint: by an address, or by a table of an address and S3 keys."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    Discriminator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from slmrag.config.base import AS_PARAMS, Address
from slmrag.config.storage import AddressEntry


class CheckpointEntry(AddressEntry):
    """A checkpoint with keys of its own for S3, where its address alone does not reach it."""

    uri: Address = Field(description="s3://bucket/prefix/")

    @model_serializer(mode="wrap")
    def as_params(self, whole: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        """Return the address alone as a param: the other keys change no answer."""
        return self.uri if info.context == AS_PARAMS else whole(self)


def _checkpoint_form(value: Any) -> str:
    return "<table>" if isinstance(value, Mapping | CheckpointEntry) else "<address>"


Checkpoint = Annotated[
    Annotated[Address, Tag("<address>")] | Annotated[CheckpointEntry, Tag("<table>")],
    Discriminator(_checkpoint_form),
]
"""The address of a model on the hub, under a prefix or in a folder; or a table with it."""
