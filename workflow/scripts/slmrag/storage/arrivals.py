"""What arrives: its names, how it is unpacked, and whether it is what was meant, and whole."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from slmrag.errors import UserError
from slmrag.files import sha256_file
from slmrag.storage.content_encodings import decode
from slmrag.storage.partial_file import Partial
from slmrag.storage.source import Remote, safe_name


def names_of(remotes: Iterable[Remote], uri: str) -> set[str]:
    """Return the names that files will have; UserError where two would be one, or leads out."""
    names = Counter(safe_name(remote.name, uri) for remote in remotes)
    holders = {name.rpartition("/")[0] for name in names}
    folders = {held[:end] for held in holders for end in _ends(held)}
    for name, times in names.items():
        if times > 1 or name in folders:
            raise UserError(f"{uri}: two objects would become the file {name}; rename one")
    return set(names)


def _ends(folder: str) -> Iterator[int]:
    """Yield where the name of each folder ends that a folder lies in, its own among them."""
    yield from (place for place, letter in enumerate(f"{folder}/") if letter == "/")


def decoded(partial: Partial, encoding: str, came: dict[str, Any]) -> dict[str, Any]:
    """Put the decoded content in the place of what was sent, and say both; or leave it as sent."""
    aside = partial.state.with_suffix(".decoded")
    try:
        if not decode(partial.path, encoding, aside, partial.remote.name):
            return came
    except UserError:
        partial.restart()
        raise
    about = {"bytes": aside.stat().st_size, "sha256": sha256_file(aside)}
    partial.finish()
    aside.replace(partial.path)
    return about | {"sent": {"encoding": encoding, **came}}


def wrong(remotes: Sequence[Remote], files: Sequence[dict[str, Any]], sha256: str | None) -> str:
    """Return why what came is not taken, or nothing: another content, or perhaps not all of it.

    ``sha256`` may be that of the file, or of the bytes that were sent where they were decoded.
    """
    file = files[0]
    if sha256 and sha256 not in (file["sha256"], file.get("sent", file)["sha256"]):
        sent = f" (sent as {file['sent']['encoding']}, and decoded)" if "sent" in file else ""
        return (
            f"its SHA-256 is {file['sha256']}{sent}, but the config expects {sha256}; "
            "correct the config or the object"
        )
    if remotes[0].open_ended and not sha256 and "sent" not in file:
        return (
            "its server says neither how long it is nor where it ends, so that a cut would not be "
            f"seen; if the {file['bytes']} bytes that came are all of it, set the object's "
            f"sha256: {file['sha256']}"
        )
    return ""
