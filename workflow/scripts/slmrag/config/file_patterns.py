"""Patterns in the names of files: ``data/*.jsonl``, ``s3://bucket/corpus/**/part-*.parquet``.

``*`` stands for any signs but a slash, ``**`` for folders, too; ``?`` and ``[`` are signs like
others. A file whose own name is the pattern is that file.
"""

import re
from collections.abc import Collection

WILDCARDS = re.compile(r"\*\*/|\*\*|\*")
WILDCARD_REGEXES = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}


def split(name: str) -> tuple[str, str]:
    """Return the longest folder without a ``*``, and the pattern below it."""
    end = name.partition("*")[0].rfind("/") + 1
    return name[:end], name[end:]


def matching(names: Collection[str], pattern: str) -> list[str]:
    """Return the names that match a pattern, sorted."""
    if pattern in names:
        return [pattern]
    plain = WILDCARDS.split(pattern)
    wild = [WILDCARD_REGEXES[part] for part in WILDCARDS.findall(pattern)] + [""]
    whole = re.compile(
        "".join(f"{re.escape(a)}{b}" for a, b in zip(plain, wild, strict=True)), re.S
    )
    return sorted(filter(whole.fullmatch, names))


def depth(pattern: str) -> int:
    """Return how many folders deep a pattern reaches; -1 for any depth."""
    return -1 if "**" in pattern else pattern.count("/")
