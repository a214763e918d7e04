"""The boto3 client that all requests go through."""

import os
from typing import Any
from urllib.parse import urlsplit

from slmrag.errors import UserError
from slmrag.storage.proxies import proxy_for
from slmrag.storage.s3_errors import explain

POOL = 16
CONNECT_SECONDS = 10
READ_SECONDS = 60


def client(storage: dict[str, Any], uri: str) -> Any:
    """Return a boto3 client; credentials come from the environment or the AWS chain."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    endpoint = storage.get("endpoint_url") or _of_environment()
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    style = storage.get("addressing_style") or "auto"
    config = Config(
        s3={"addressing_style": style},
        max_pool_connections=POOL,
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
    """Return the endpoint's proxy by its scheme; none where its host, or the bucket's, has none.

    boto3 by itself reads neither ``all_proxy`` nor networks in ``no_proxy``.
    """
    parts = urlsplit(endpoint)
    found = proxy_for(endpoint) and proxy_for(f"{parts.scheme}://{bucket}.{parts.netloc}")
    return {parts.scheme: found} if found else {}


def _of_environment() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")
