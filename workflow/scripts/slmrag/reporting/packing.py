"""Data inside the page: JSON, compressed, as text that HTML leaves alone."""

import base64
import gzip
import json
from typing import Any


def packed(data: Any) -> str:
    """Return JSON, compressed, in base64; equal data give equal texts."""
    raw = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(raw.encode("utf-8", "replace"), 6, mtime=0)).decode()
