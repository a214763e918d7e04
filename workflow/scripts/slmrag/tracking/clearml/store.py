"""Uploads files to ClearML's file server or to S3, and says why one is refused."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class StoreRefused(Exception):
    """A store that did not take a file; the message names it and the cause."""


def upload_file(path: str, url: str) -> str:
    """Upload a file and return its address; StoreRefused if the store does not take it."""
    helper = open_store(url)
    with causes(helper) as found:
        try:
            sent = helper.upload(path, url, retries=1)
        except Exception as error:
            raise refusal(url, found, error) from None
    if not sent:
        raise refusal(url, found)
    return sent


def file_url(base: str, *parts: str) -> str:
    """Return the address of a file below a store; one with ``?`` or ``#`` could not be opened."""
    return "/".join([base.rstrip("/"), *(re.sub("[?#]", "_", part) for part in parts)])


def refusal(url: str, found: list[str], error: Exception | None = None) -> StoreRefused:
    """Return the exception for a refused upload, with the SDK's first words as its cause."""
    cause = found[0] if found else str(error or "no reason given")
    return StoreRefused(f"{store_name(url)} refuses an upload: {cause}")


def open_store(url: str) -> Any:
    """Return the SDK's helper for an address; StoreRefused if there is none."""
    from clearml.storage.helper import StorageHelper

    try:
        helper = StorageHelper.get(url)
    except Exception as error:
        raise StoreRefused(f"{store_name(url)} cannot be used: {error}") from None
    if helper is None:
        raise StoreRefused(
            f"{store_name(url)} cannot be used: credentials under sdk.aws.s3 in clearml.conf?"
        )
    return helper


def store_name(url: str) -> str:
    """Return bucket and endpoint of an address, as a person calls them."""
    scheme, _, rest = url.partition("://")
    endpoint, *path = rest.split("/")
    if scheme != "s3":
        return f"the store {scheme}://{endpoint}"
    if ":" in endpoint and path:
        return f"bucket '{path[0]}' at {endpoint}"
    return f"bucket '{endpoint}' at Amazon S3"


@contextmanager
def causes(helper: Any) -> Iterator[list[str]]:
    """Collect what the SDK logs of errors in the block: it returns only that there was one."""
    found: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    helper.log.addHandler(handler)
    try:
        yield found
    finally:
        helper.log.removeHandler(handler)
