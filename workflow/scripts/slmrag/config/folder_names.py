"""Names of folders under ``resources/``: an entry's name, and 8 digits of what it is made from."""

import re
from typing import Any

from slmrag.files import digest

DIGITS = 8
_KEYED = re.compile(rf"(.+)-[0-9a-f]{{{DIGITS}}}")


def folder_name(entry: str, *made_from: Any) -> str:
    """Return the name of an entry's folder, given all that decides what it holds."""
    return f"{entry}-{digest(made_from)[:DIGITS]}"


def entry_name(folder: str) -> str:
    """Return the name of a folder's entry; a name without digits is its own."""
    keyed = _KEYED.fullmatch(folder)
    return keyed[1] if keyed else folder
