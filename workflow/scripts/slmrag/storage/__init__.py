"""Downloads from S3, the web, the hub and the disk: in parts, resumed, verified, renamed."""

from slmrag.storage.download import download
from slmrag.storage.schemes import open_source

__all__ = ["download", "open_source"]
