"""The changes of tracked files since the last commit, of the workflow and of the project."""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from slmrag.config.redaction import MASK, is_secret_name, redact
from slmrag.job.code_version import (
    CODE_FOLDER,
    GIT_SECONDS,
    git_command,
    git_environment,
    origin,
    run_git,
)

MAX_BYTES = 500_000
MAX_READ_BYTES = 2 * MAX_BYTES
CUT_NOTE = "# cut: {} bytes of the changes are left out"
DIFF = ("diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short")
ASSIGNMENT = re.compile(r"""([\w.-]+)["']?\s*[:=]\s*(?=\S)""")
BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?")


def read_diff(project: Path) -> str:
    """Return the changes of the workflow's repository, and of the project's if it is another one.

    Without secrets; at most 500 kB, of which the last line says how much is left out. Each
    repository's changes begin with a line that names it.
    """
    parts, left_out = [], 0
    for what, top in repositories(project):
        text, unread = changes(top) if top else (None, 0)
        parts += [headline(what, top, text), redact_diff(text or "")]
        left_out += unread
    return cut("".join(parts), left_out)


def repositories(project: Path) -> Iterator[tuple[str, Path | None]]:
    """Yield the workflow and, if it lies elsewhere, the project, each with its repository."""
    own, other = top_folder(CODE_FOLDER), top_folder(project)
    yield "workflow", own
    if other != own:
        yield "project", other


def top_folder(folder: Path) -> Path | None:
    """Return the top of the repository that a folder is in, None if it is in none."""
    found = run_git("rev-parse", "--show-toplevel", folder=folder)
    return Path(found) if found else None


def headline(what: str, top: Path | None, text: str | None) -> str:
    """Return the line that says whose changes follow, or why there are none."""
    if top is None:
        return f"# {what}: no git repository, so its changes are not known\n"
    commit = run_git("rev-parse", "HEAD", folder=top) or "no commit"
    known = "" if text is not None else ": not known, git did not answer in time or failed"
    return redact(f"# {what}: {origin(top) or top.name}, changes since {commit}{known}\n")


def changes(top: Path) -> tuple[str | None, int]:
    """Return whole lines of a repository's diff, and the bytes after them; None if git fails."""
    with tempfile.TemporaryFile() as file:
        try:
            done = subprocess.run(
                git_command(top, *DIFF),
                stdout=file,
                stderr=subprocess.DEVNULL,
                timeout=GIT_SECONDS,
                env=git_environment(),
            )
        except (OSError, subprocess.TimeoutExpired):
            return None, 0
        size = file.seek(0, 2)
        file.seek(0)
        data = file.read(MAX_READ_BYTES)
    if done.returncode:
        return None, 0
    whole = data if len(data) == size else data[: data.rfind(b"\n") + 1]
    return whole.decode("utf-8", "replace"), size - len(whole)


def redact_diff(text: str) -> str:
    """Return a diff without secrets: by value, by shape, and after a name like ``api_key:``."""
    return "".join(mask_values(redact(text).splitlines(keepends=True)))


def mask_values(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines; what is assigned to a secret name is masked, also a block of YAML below it."""
    block: int | None = None
    for line in lines:
        body = line.rstrip("\r\n")
        if block is not None and (not body[1:].strip() or indent_of(body) > block):
            yield f"{body[:1]}{' ' * indent_of(body)}{MASK}\n"
            continue
        block = None
        for found in ASSIGNMENT.finditer(body):
            if is_secret_name(found[1]):
                if BLOCK_SCALAR.fullmatch(body[found.end() :].strip()):
                    block = indent_of(body)
                line = f"{body[: found.end()]}{MASK}\n"
                break
        yield line


def indent_of(line: str) -> int:
    """Return the number of blanks after a diff line's sign."""
    return len(line[1:]) - len(line[1:].lstrip())


def cut(text: str, left_out: int = 0) -> str:
    """Return whole lines up to the bound; the last line says how many bytes are left out."""
    data = text.encode()
    if len(data) <= MAX_BYTES and not left_out:
        return text
    kept = data[: MAX_BYTES - len(CUT_NOTE) - 20]
    kept = kept[: kept.rfind(b"\n") + 1]
    return kept.decode() + CUT_NOTE.format(len(data) - len(kept) + left_out) + "\n"
