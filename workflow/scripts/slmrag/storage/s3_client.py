"""The boto3 client that all requests go through."""

from typing import Any

from slmrag.errors import UserError
from slmrag.storage.s3_errors import explain

POOL = 16
CONNECT_SECONDS = 10
READ_SECONDS = 60


def client(storage: dict[str, Any], uri: str) -> Any:
    """Return a boto3 client; credentials come from the environment or the AWS chain."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    style = storage.get("addressing_style") or "auto"
    config = Config(
        s3={"addressing_style": style},
        max_pool_connections=POOL,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 3},
        response_checksum_validation="when_required",
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
        endpoint = storage.get("endpoint_url") or "the endpoint"
        raise UserError(explain(error, bucket, key, endpoint)) from error
