"""The files of a source that lies on this machine."""

import os
from urllib.parse import unquote, urlsplit


def on_disk(uri: str) -> list[str]:
    """Return the file that a path or ``file://`` URI names, or all files below a folder, sorted.

    Empty for other sources and where nothing is there: the download says so better. Names with
    braces, which Snakemake takes for wildcards, are left out.
    """
    path = unquote(urlsplit(uri).path) if uri.startswith("file:") else uri
    below = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    files = [path] if os.path.isfile(path) else sorted(below)
    return [file for file in files if not {"{", "}"} & set(file)]
