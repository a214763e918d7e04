"""Raw files from S3, the web and the disk: fetched in parts, resumed, verified, renamed."""

from slmrag.storage.fetch import download
from slmrag.storage.sources import open_source

__all__ = ["download", "open_source"]
