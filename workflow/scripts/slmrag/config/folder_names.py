"""Names of folders under ``resources/``: an entry's name, and 8 digits of what it is made from."""

import re
from typing import Any

from slmrag.files import digest

DIGITS = 8
_NAME_WITH_DIGITS = re.compile(rf"(.+)-[0-9a-f]{{{DIGITS}}}")


def folder_name(entry: str, *made_from: Any) -> str:
    """Return the name of an entry's folder; ``made_from`` is all that decides its content."""
    return f"{entry}-{digest(made_from)[:DIGITS]}"


def entry_name(folder: str) -> str:
    """Return the entry of a folder's name; a name without digits is returned as it is."""
    keyed = _NAME_WITH_DIGITS.fullmatch(folder)
    return keyed[1] if keyed else folder
