"""Files of packages that are only carriers: found without importing their code."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def file_of(package: str, name: str) -> Path:
    """Return the path of an installed package's file; RuntimeError where either is gone."""
    try:
        found = [file for file in distribution(package).files or () if file.name == name]
    except PackageNotFoundError:
        found = []
    path = Path(str(found[0].locate())) if found else None
    if path is None or not path.is_file():
        raise RuntimeError(f"the package {package} lacks {name}; install the package anew")
    return path
