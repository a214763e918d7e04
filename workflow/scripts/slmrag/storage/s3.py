"""Objects and prefixes of S3, or of a compatible server, as a source."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from slmrag.config import file_patterns
from slmrag.errors import UserError
from slmrag.storage.content_encodings import content_coding
from slmrag.storage.proxies import proxy_for
from slmrag.storage.s3_errors import explain, is_missing, is_retryable
from slmrag.storage.source import CHUNK_BYTES, Interrupted, RemoteFile

MAX_CONNECTIONS = 16
CONNECT_SECONDS = 10
READ_SECONDS = 60


def s3_client(storage: dict[str, Any], uri: str) -> Any:
    """Return a boto3 client; credentials come from the environment or the AWS chain."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    endpoint = storage.get("endpoint_url") or _environment_endpoint()
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    style = storage.get("addressing_style") or "auto"
    config = Config(
        s3={"addressing_style": style},
        max_pool_connections=MAX_CONNECTIONS,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 3},
        response_checksum_validation="when_required",
        signature_version=UNSIGNED if storage.get("anonymous") else None,
        proxies=_proxies(endpoint or "https://s3.amazonaws.com", bucket),
    )
    try:
        session = boto3.Session(profile_name=storage.get("profile"))
        region = storage.get("region") or session.region_name or "us-east-1"
        return session.client(
            "s3",
            endpoint_url=storage.get("endpoint_url"),
            region_name=region,
            verify=storage.get("verify"),
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise UserError(explain(error, bucket, key, endpoint or "the endpoint")) from error


def _proxies(endpoint: str, bucket: str) -> dict[str, str]:
    """Return the endpoint's proxy by scheme; empty unless its host and the bucket's both use one.

    boto3 by itself reads neither ``all_proxy`` nor networks in ``no_proxy``.
    """
    parts = urlsplit(endpoint)
    found = proxy_for(endpoint) and proxy_for(f"{parts.scheme}://{bucket}.{parts.netloc}")
    return {parts.scheme: found} if found else {}


def _environment_endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


CHECKSUM_HEADERS = {"ChecksumCRC32": "crc32", "ChecksumSHA1": "sha1", "ChecksumSHA256": "sha256"}


class S3:
    """An ``s3://bucket/key``, or all objects of an ``s3://bucket/prefix/``."""

    def __init__(self, uri: str, storage: dict[str, Any]) -> None:
        self.uri = uri
        self.bucket, _, self.key = uri.removeprefix("s3://").partition("/")
        self.client = s3_client(storage, uri)
        self.anonymous = bool(storage.get("anonymous"))
        self.payer_params = {"RequestPayer": "requester"} if storage.get("requester_pays") else {}

    def files(self) -> list[RemoteFile]:
        """Return the object, or all under the prefix or of the pattern, without folder markers."""
        if "*" in self.key:
            return self._files_of_pattern()
        if not self.key or self.key.endswith("/"):
            return self._files_under_prefix()
        try:
            return [self.describe(RemoteFile(self.key.rsplit("/", 1)[-1], self.key))]
        except UserError as error:
            if is_missing(error.__cause__) and self._is_folder():
                raise UserError(
                    f"{self.uri}: is no object but a prefix of others; to take them all, write a "
                    f"slash behind it: {self.uri}/"
                ) from error
            raise

    def _is_folder(self) -> bool:
        """Tell whether there are objects below the key; False if listing is forbidden."""
        from botocore.exceptions import BotoCoreError, ClientError

        below = {"Bucket": self.bucket, "Prefix": f"{self.key}/", "MaxKeys": 1}
        try:
            return bool(self.client.list_objects_v2(**below, **self.payer_params).get("Contents"))
        except (BotoCoreError, ClientError):
            return False

    def _files_of_pattern(self) -> list[RemoteFile]:
        folder, pattern = file_patterns.split(self.key)
        sizes = {one["Key"]: one["Size"] for one in self._list(self.key.partition("*")[0])}
        names = file_patterns.matching([key.removeprefix(folder) for key in sizes], pattern)
        if not names:
            raise UserError(
                f"{self.uri}: no object matches this pattern at {self.endpoint}; check it"
            )
        return [RemoteFile(name, folder + name, sizes[folder + name]) for name in names]

    def _list(self, prefix: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, **self.payer_params
        )
        with self._explained(prefix):
            found = [entry for page in pages for entry in page.get("Contents", [])]
        return [entry for entry in found if not entry["Key"].endswith("/")]

    def _files_under_prefix(self) -> list[RemoteFile]:
        files = self._list(self.key)
        if not files:
            raise UserError(
                f"{self.uri}: no object under this prefix at {self.endpoint}; check the prefix"
            )
        return [
            RemoteFile(entry["Key"].removeprefix(self.key), entry["Key"], entry["Size"])
            for entry in files
        ]

    def describe(self, remote: RemoteFile) -> RemoteFile:
        """Ask the server for size, ETag, version, checksums and the size of the upload's parts."""
        where = {"Bucket": self.bucket, "Key": remote.locator, **self.payer_params}
        with self._explained(remote.locator):
            head = self._head(where)
            parts = self._part_bytes(where, head)
        checksums = {name: head[key] for key, name in CHECKSUM_HEADERS.items() if key in head}
        return RemoteFile(
            name=remote.name,
            locator=remote.locator,
            bytes=head["ContentLength"],
            etag=head.get("ETag", "").strip('"') or None,
            version_id=_version_id(head),
            last_modified=head["LastModified"].isoformat(),
            part_bytes=parts,
            etag_is_digest=_etag_is_digest(head),
            checksums=checksums,
            encoding=content_coding(head.get("ContentEncoding")),
        )

    def _head(self, where: dict[str, str]) -> dict[str, Any]:
        """Return the answer to HEAD; if it fails, to GET, whose error has a reason."""
        from botocore.exceptions import ClientError

        try:
            return self.client.head_object(**where, ChecksumMode="ENABLED")
        except ClientError:
            answer = self.client.get_object(**where)
            answer.pop("Body").close()
            return answer

    def _part_bytes(self, where: dict[str, str], head: dict[str, Any]) -> int | None:
        from botocore.exceptions import ClientError

        if "-" not in head.get("ETag", ""):
            return None
        try:
            first = self.client.head_object(**where, PartNumber=1)
        except ClientError:
            return None
        return first["ContentLength"] if first.get("PartsCount") else None

    def read(self, remote: RemoteFile, start: int, stop: int | None) -> Iterator[bytes]:
        """Yield a range of the object as it was when it was described."""
        if stop is not None and start >= stop:
            return
        condition = {"IfMatch": f'"{remote.etag}"'} if remote.etag else {}
        version = {"VersionId": remote.version_id} if remote.version_id else {}
        span = f"bytes={start}-" if stop is None else f"bytes={start}-{stop - 1}"
        with self._explained(remote.locator):
            answer = self.client.get_object(
                Bucket=self.bucket,
                Key=remote.locator,
                Range=span,
                **condition,
                **version,
                **self.payer_params,
            )
            with answer["Body"] as body:
                while chunk := body.read(CHUNK_BYTES):
                    yield chunk

    @property
    def endpoint(self) -> str:
        """The URL that requests go to."""
        return self.client.meta.endpoint_url

    def _explained(self, key: str) -> "_ExplainErrors":
        return _ExplainErrors(self, key)


class _ExplainErrors:
    """Turns botocore's exceptions into UserError, or into Interrupted if a retry may help."""

    def __init__(self, source: S3, key: str) -> None:
        self.source, self.key = source, key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, Exception) or isinstance(error, UserError):
            return
        sentence = explain(
            error, self.source.bucket, self.key, self.source.endpoint, self.source.anonymous
        )
        if is_retryable(error):
            raise Interrupted(sentence) from error
        raise UserError(sentence) from error


def _version_id(head: dict[str, Any]) -> str | None:
    version = head.get("VersionId")
    return None if version in (None, "null") else version


def _etag_is_digest(head: dict[str, Any]) -> bool:
    """Tell whether an ETag is an MD5: with a key of KMS or of the customer it is not."""
    by_kms = str(head.get("ServerSideEncryption", "")).startswith("aws:kms")
    return not by_kms and "SSECustomerAlgorithm" not in head
