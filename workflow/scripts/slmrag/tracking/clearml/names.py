"""Names as a ClearML server accepts them."""

MIN_CHARACTERS = 3
"""Fewest characters of the name of a project, task or model; a server refuses less."""


def server_name(name: str) -> str:
    """Return a name that the server accepts: one of one or two letters is filled with ``_``."""
    return name.strip().ljust(MIN_CHARACTERS, "_")


def project_path(path: str) -> str:
    """Return a path of projects whose parts the server accepts."""
    return "/".join(server_name(part) for part in path.split("/") if part.strip())
