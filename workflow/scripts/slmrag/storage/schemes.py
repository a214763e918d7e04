"""The kind of source for each scheme of a URI."""

from collections.abc import Callable
from typing import Any

from slmrag.config.hub_names import HUB_SCHEME as HUB
from slmrag.errors import UserError
from slmrag.storage.source import Source


def open_source(uri: str, storage: dict[str, Any]) -> Source:
    """Return the source of a URI; UserError for an unknown scheme."""
    from slmrag.storage.http import Http
    from slmrag.storage.local import Local
    from slmrag.storage.s3 import S3

    kinds: dict[str, Callable[[str, dict[str, Any]], Source]] = {
        "s3": S3,
        "https": Http,
        "http": Http,
        "file": Local,
        "": Local,
    }
    if uri.startswith(HUB):
        from slmrag.storage.hub import Hub

        return Hub(uri, storage)
    scheme = uri.split("://", 1)[0].lower() if "://" in uri else ""
    if scheme not in kinds:
        raise UserError(f"{uri}: unknown scheme; use s3://, https://, file://, hf: or a path")
    return kinds[scheme](uri, storage)
