"""Addresses on the model hub, as all entries write them: ``hf:org/name@revision/path``.

The path may be a pattern, as in ``hf:datasets/org/name@revision/data/train-*.parquet``.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from slmrag.config import file_patterns

HUB_SCHEME = "hf:"
ADDRESS_FORM = "hf:org/name or hf:datasets/org/name, optionally with @revision and /path"
_PART = r"[\w-][\w.-]*"
_GRAMMAR = re.compile(
    rf"hf:(datasets/)?({_PART}(?:/{_PART})?)(?:@(refs/\w+/[\w.-]+|[^@/\s]+))?(?:/(.*))?"
)


_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubName(NamedTuple):
    """A repository, its revision (None: the main branch), and a path in it.

    ``path`` is a file, a folder, or a pattern; empty means the whole repository.
    """

    repo: str
    revision: str | None
    path: str
    dataset: bool

    @property
    def kind(self) -> str:
        """The hub's word for what the repository holds."""
        return "dataset" if self.dataset else "model"

    @property
    def page(self) -> str:
        """The repository's page, below the hub's address."""
        return f"datasets/{self.repo}" if self.dataset else self.repo

    @property
    def uri(self) -> str:
        """The address."""
        revision = f"@{quote(self.revision, safe='')}" if self.revision else ""
        return f"{HUB_SCHEME}{self.page}{revision}{f'/{self.path}' if self.path else ''}"

    def matching_files(self, names: list[str]) -> dict[str, str]:
        """Return the files of the path by their names below its folder."""
        if self.path in names:
            return {self.path.rpartition("/")[2]: self.path}
        if "*" in self.path:
            folder, pattern = file_patterns.split(self.path)
        else:
            folder, pattern = f"{self.path}/" if self.path else "", "**"
        short = [name.removeprefix(folder) for name in names if name.startswith(folder)]
        return {name: folder + name for name in file_patterns.matching(short, pattern)}


def hub_name(uri: str) -> HubName:
    """Return what an ``hf:`` address names; ValueError where it names nothing.

    A slash in a revision is written as %2F, except in refs/convert/… and refs/pr/…. If the name has
    no organization, a path needs the revision: hf:gpt2@main/config.json.
    """
    found = _GRAMMAR.fullmatch(uri)
    path_of_bare_name = found and found[4] and not found[3] and "/" not in found[2]
    if not found or path_of_bare_name or found[2] == "datasets":
        raise ValueError(f"{uri} names nothing on the hub; write {ADDRESS_FORM}")
    revision, path = found[3] and unquote(found[3]), (found[4] or "").rstrip("/")
    if path and not all(part.strip(".") for part in path.split("/")):
        raise ValueError(f"{uri}: its path leads out of the repository; write {ADDRESS_FORM}")
    return HubName(found[2], revision, path, bool(found[1]))


def is_commit(revision: str | None) -> bool:
    """Tell whether a revision is a commit: branches and tags may move."""
    return _COMMIT.fullmatch(revision or "") is not None


def named_revision(uri: str) -> str | None:
    """Return the revision in a hub address; None if there is none, or for other addresses."""
    return hub_name(uri).revision if uri.startswith(HUB_SCHEME) else None
