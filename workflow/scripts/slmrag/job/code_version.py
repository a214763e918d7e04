"""The commit, repository and branch of the workflow's own code, and whether it was edited since."""

import json
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.config.redaction import redact

VERSION_VARIABLE = "SLMRAG_CODE_VERSION"
CODE_FOLDER = Path(__file__).resolve().parent
GIT_SECONDS = 3.0
OID_LINE, HEAD_LINE = "# branch.oid ", "# branch.head "
NETWORK_URL = re.compile(r"([A-Za-z][\w+.-]*://)([^/?#]*)([^?#]*)")
HOST = re.compile(r"(\[[\dA-Fa-f:.%]+\]|[^:\[\]]*)(:\d*)?")


def read_version() -> dict[str, Any]:
    """Return commit, dirty, repository, branch: what the run's driver found, else git's now.

    Empty outside of a repository, and if git does not answer.
    """
    known = os.environ.get(VERSION_VARIABLE)
    if known is None:
        return ask_git()
    with suppress(ValueError):
        found = json.loads(known)
        return found if isinstance(found, dict) else {}
    return {}


def ask_git() -> dict[str, Any]:
    """Return commit, dirty, repository and branch of the code; empty outside of a repository."""
    lines = run_git("status", "--porcelain=v2", "--branch").splitlines()
    commit, branch = (value_of(lines, start) for start in (OID_LINE, HEAD_LINE))
    if commit in (None, "(initial)"):
        return {}
    return {
        "commit": commit,
        "dirty": not all(line.startswith("#") for line in lines),
        "repository": origin(CODE_FOLDER),
        "branch": None if branch == "(detached)" else branch,
    }


def value_of(lines: list[str], start: str) -> str | None:
    """Return what follows ``start`` in the first line that begins with it."""
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), None)


def origin(folder: Path) -> str | None:
    """Return the address of a repository's origin without credentials, None if it has none."""
    return without_credentials(run_git("config", "--get", "remote.origin.url", folder=folder))


def without_credentials(url: str) -> str | None:
    """Return a git address without user, password and query; None if it is empty or unclear."""
    if network := NETWORK_URL.match(url):
        scheme, authority, path = network.groups()
        host = authority.rpartition("@")[2]
        # A password with an unescaped "/", "?" or "#" ends up where the port should be.
        return redact(f"{scheme}{host}{path}") if HOST.fullmatch(host) else None
    return redact(re.sub(r"^[^/]*@", "", url)) or None


def run_git(*arguments: str, folder: Path | None = None) -> str:
    """Return git's output in a folder (the code's), empty if it fails or takes too long."""
    try:
        done = subprocess.run(
            git_command(folder or CODE_FOLDER, *arguments),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_SECONDS,
            env=git_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def git_command(folder: Path, *arguments: str) -> list[str]:
    """Return the command line of git in a folder."""
    return ["git", "-C", str(folder), *arguments]


def git_environment() -> dict[str, str]:
    """Return an environment in which git only reads."""
    return {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
