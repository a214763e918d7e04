"""The files of raw objects."""

from pathlib import Path


def files_of(folders: list[str] | str) -> list[Path]:
    """Return the files below the folders, in order, without hidden ones."""
    folders = [folders] if isinstance(folders, str | Path) else folders
    return [
        path
        for folder in folders
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]
