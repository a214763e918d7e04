"""Raw objects, and how to reach S3."""

from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from slmrag.config.base import Entry, Sha256
from slmrag.config.hub_names import HUB_SCHEME as HUB
from slmrag.config.hub_names import hub_name

SCHEMES = ("s3://", "https://", "file://")
AddressingStyle = Literal["auto", "path", "virtual"]
OWN_S3_KEYS = (
    "endpoint_url",
    "region",
    "profile",
    "addressing_style",
    "anonymous",
    "requester_pays",
)
"""Keys of ``storage`` that an object or a checkpoint may set for itself."""


def _check_endpoint(endpoint: str | None) -> str | None:
    """Refuse an endpoint without http:// or https://."""
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return endpoint


Endpoint = Annotated[str | None, AfterValidator(_check_endpoint)]


def _refuse_contradiction(entry: "StorageEntry | AddressEntry") -> None:
    """Raise ValueError if an entry sets both anonymous and credentials."""
    named = [key for key in ("profile", "requester_pays") if getattr(entry, key)]
    if entry.anonymous and named:
        raise ValueError(f"anonymous: true needs no {named[0]}; remove one of them")


class StorageEntry(Entry):
    """How to reach S3; credentials come from the environment or the AWS chain, never from here."""

    endpoint_url: Endpoint = Field(
        None,
        description="S3 endpoint of MinIO, SeaweedFS, ...; null means AWS or $AWS_ENDPOINT_URL_S3",
    )
    region: str | None = Field(None, description="Region of the buckets")
    profile: str | None = Field(None, description="Profile of the AWS config to use")
    addressing_style: AddressingStyle | None = Field(
        None, description="path for most servers other than AWS; null lets boto3 choose"
    )
    anonymous: bool | None = Field(
        None, description="true reads public buckets without any credentials"
    )
    requester_pays: bool | None = Field(
        None, description="true agrees to pay for reading buckets whose owner has readers pay"
    )
    verify: bool | str | None = Field(
        None, description="false accepts any certificate; a path names a CA bundle"
    )

    @model_validator(mode="after")
    def refuse_contradiction(self) -> "StorageEntry":
        """Refuse credentials beside anonymous: true."""
        _refuse_contradiction(self)
        return self


class AddressEntry(Entry):
    """An address and, for S3, how to reach it."""

    uri: str = Field(description="Where it lies")
    endpoint_url: Endpoint = Field(None, description="S3 endpoint for it alone")
    region: str | None = Field(None, description="Region of its bucket")
    profile: str | None = Field(None, description="Profile of the AWS config for it")
    addressing_style: AddressingStyle | None = Field(
        None, description="As in `storage`, for it alone"
    )
    anonymous: bool | None = Field(
        None, description="true reads it without credentials, false with those of the environment"
    )
    requester_pays: bool | None = Field(None, description="true agrees to pay for reading it")

    HARDWARE: ClassVar[frozenset[str]] = frozenset(OWN_S3_KEYS) - {"endpoint_url"}

    @model_validator(mode="after")
    def refuse_keys_elsewhere(self) -> "AddressEntry":
        """Refuse S3 keys for other addresses, and credentials beside anonymous."""
        named = [key for key in OWN_S3_KEYS if getattr(self, key) is not None]
        if named and not self.uri.startswith("s3://"):
            raise ValueError(f"{named[0]} is only for s3://, not for {self.uri}; remove it")
        _refuse_contradiction(self)
        return self

    def access_params(self, storage: StorageEntry) -> dict[str, Any]:
        """Return the keys of ``storage``, replaced by those that it sets itself.

        Credentials of its own replace a general ``anonymous``, and the reverse.
        """
        own = self.model_dump(exclude_none=True, include={*OWN_S3_KEYS})
        dropped = {"profile", "requester_pays"} if self.anonymous else set()
        if self.anonymous is None and (self.profile or self.requester_pays):
            dropped = {"anonymous"}
        return {k: v for k, v in storage.params().items() if k not in dropped} | own


class ObjectEntry(AddressEntry):
    """A raw object: a file, all files under a prefix that ends in a slash, or of a pattern."""

    uri: str = Field(
        description="s3://bucket/key, s3://bucket/prefix/, https://…, file:///…, a path, "
        "hf:datasets/org/name@revision/path or hf:org/name@revision/path; in paths and keys * "
        "stands for any signs but a slash, ** for folders, too (`data/*.jsonl`)"
    )
    sha256: Sha256 | None = Field(None, description="Expected SHA-256 of the (single) file")

    @field_validator("uri")
    @classmethod
    def check_scheme(cls, uri: str) -> str:
        """Refuse a URI of an unknown scheme or a wrong form."""
        if uri.startswith(HUB):
            hub_name(uri)
            return uri
        if "://" in uri and not uri.startswith(SCHEMES):
            raise ValueError(f"unknown scheme; use one of {', '.join(SCHEMES)}, hf: or a path")
        bucket, slash, _ = uri.removeprefix("s3://").partition("/")
        if uri.startswith("s3://") and "*" in bucket:
            raise ValueError("a pattern (*) is for keys, not for buckets; name one bucket")
        if uri.startswith("s3://") and not (bucket and slash):
            lacking = "a bucket without a key" if bucket else "no bucket"
            raise ValueError(f"names {lacking}; use s3://bucket/key or s3://bucket/prefix/")
        if urlsplit(uri).scheme == "file" and urlsplit(uri).netloc not in ("", "localhost"):
            raise ValueError("file:// takes a whole path, as file:///data/x.tsv; or write the path")
        if not uri.strip():
            raise ValueError("empty; name a file, a folder or an object")
        return uri


def access_params(named: str | AddressEntry | None, storage: StorageEntry) -> dict[str, Any]:
    """Return the S3 keys for an address, or for an entry that has one."""
    return named.access_params(storage) if isinstance(named, AddressEntry) else storage.params()


def endpoint_of(named: str | AddressEntry | None) -> list[str]:
    """Return the S3 endpoint of an entry if it sets one: a part of its address."""
    return [url for url in [getattr(named, "endpoint_url", None)] if url]
