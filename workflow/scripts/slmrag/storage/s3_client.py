"""The boto3 client that all requests go through."""

import os
from typing import Any
from urllib.parse import urlsplit

from slmrag.errors import UserError
from slmrag.storage.proxies import is_loopback
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
    here = is_loopback(urlsplit(endpoint).hostname or "")
    style = storage.get("addressing_style") or "auto"
    config = Config(
        s3={"addressing_style": style},
        max_pool_connections=POOL,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 3},
        response_checksum_validation="when_required",
        signature_version=UNSIGNED if storage.get("anonymous") else None,
        proxies={} if here else None,
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
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        raise UserError(explain(error, bucket, key, endpoint or "the endpoint")) from error


def _of_environment() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")
