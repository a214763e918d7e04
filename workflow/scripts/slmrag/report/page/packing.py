"""Data inside the page: JSON, compressed, as text that HTML leaves alone."""

import base64
import gzip
import json
from typing import Any

import numpy as np


def packed(data: Any) -> str:
    """Return JSON, compressed, in base64; equal data give equal texts."""
    raw = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(raw.encode("utf-8", "replace"), 6, mtime=0)).decode()


def bits(values: np.ndarray) -> str:
    """Return truths (n, k) in base64: a bit each, column by column, each of whole bytes."""
    return base64.b64encode(np.packbits(values, axis=0).T.tobytes()).decode()
