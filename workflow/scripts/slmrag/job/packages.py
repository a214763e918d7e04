"""The Python that a process runs in: its prefix, its version, and the packages there."""

import os
import platform
import re
import sys
from contextlib import suppress
from typing import Any

PREFIX_VARIABLE = "SLMRAG_PREFIX"
"""The prefix of the run's driver, whose packages are in the run's own start event."""

METADATA_FOLDER = re.compile(r"([^-]+)-([^-]+)(-.*)?\.(dist|egg)-info")


def python_fields() -> dict[str, Any]:
    """Return prefix and version; packages only where the prefix is not that of the run's driver."""
    found: dict[str, Any] = {"prefix": sys.prefix, "python": platform.python_version()}
    if os.environ.get(PREFIX_VARIABLE) != sys.prefix:
        found["packages"] = installed_packages()
    return found


def installed_packages() -> dict[str, str]:
    """Return each installed package's version, by the names of their metadata folders.

    These names are what ``importlib.metadata`` finds; its import alone takes 40 ms of each job.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        with suppress(OSError):
            for entry in os.listdir(folder or "."):
                if match := METADATA_FOLDER.fullmatch(entry):
                    found.setdefault(normalize_name(match[1]), match[2])
    return dict(sorted(found.items()))


def normalize_name(name: str) -> str:
    """Return a package's name as an index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
