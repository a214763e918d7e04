"""Where raw objects come from."""

from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from slmrag.entries.base import Entry, Sha256

SCHEMES = ("s3://", "https://", "file://")


class StorageEntry(Entry):
    """How to reach S3; credentials come from the environment or the AWS chain, never from here."""

    endpoint_url: str | None = Field(
        None,
        description="S3 endpoint of MinIO, SeaweedFS, ...; null means AWS or $AWS_ENDPOINT_URL_S3",
    )
    region: str | None = Field(None, description="Region of the buckets")
    profile: str | None = Field(None, description="Profile of the AWS config to use")
    addressing_style: Literal["auto", "path", "virtual"] | None = Field(
        None, description="path for most servers other than AWS; null lets boto3 choose"
    )
    verify: bool | str | None = Field(
        None, description="false accepts any certificate; a path names a CA bundle"
    )

    @field_validator("endpoint_url")
    @classmethod
    def whole_address(cls, endpoint: str | None) -> str | None:
        """Refuse an address without its scheme."""
        if endpoint is not None and not endpoint.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return endpoint


class ObjectEntry(Entry):
    """A raw object: a file, all files under a prefix that ends in a slash, or of a pattern."""

    uri: str = Field(
        description="s3://bucket/key, s3://bucket/prefix/, https://…, file:///… or a path; in "
        "paths and keys * stands for any signs but a slash, ** for folders, too (`data/*.jsonl`)"
    )
    sha256: Sha256 | None = Field(None, description="Expected SHA-256 of the (single) file")

    HARDWARE: ClassVar[frozenset[str]] = frozenset()

    @field_validator("uri")
    @classmethod
    def known_scheme(cls, uri: str) -> str:
        """Refuse URIs of schemes that nothing here can read."""
        if "://" in uri and not uri.startswith(SCHEMES):
            raise ValueError(f"unknown scheme; use one of {', '.join(SCHEMES)} or a path")
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
