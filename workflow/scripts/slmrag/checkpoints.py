"""Checkpoints of the hub, of a prefix or of a folder: weights as safetensors, no code."""

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slmrag.checkpoint_files import ALLOWED, DESCRIPTIONS, PICKLES, WEIGHTS, matching, weights
from slmrag.errors import UserError
from slmrag.storage import download
from slmrag.storage.base import Remote

log = logging.getLogger(__name__)


def fetch_checkpoint(
    uri: str,
    revision: str | None,
    folder: str | Path,
    storage: Mapping[str, Any],
    allow_pickle: bool = False,
) -> tuple[str | None, list[dict[str, Any]]]:
    """Fill ``folder`` and return the resolved revision (None outside the hub) and the files."""
    choose = _chooser(uri, allow_pickle)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", uri) and not Path(uri).exists():
        raise UserError(f"{uri}: no such folder; if it is a model of the hub, write hf:{uri}")
    if not uri.startswith("hf:"):
        return None, download(_prefix(uri), folder, dict(storage), wanted=choose)
    if revision is None:
        log.warning("%s has no revision: what it is today may not be what it is tomorrow", uri)
    from slmrag.storage.hub import snapshot

    patterns = [*DESCRIPTIONS, *WEIGHTS, *(ALLOWED if allow_pickle else ())]
    local, resolved = snapshot(uri.removeprefix("hf:"), revision, patterns)
    return resolved, download(str(local), folder, {}, wanted=choose)


def _prefix(uri: str) -> str:
    return uri + "/" if uri.startswith("s3://") and not uri.endswith("/") else uri


def _chooser(uri: str, allow_pickle: bool) -> Callable[[list[Remote]], list[Remote]]:
    """Return the function that keeps a checkpoint's files and refuses a folder that is none."""

    def choose(remotes: list[Remote]) -> list[Remote]:
        names = [remote.name for remote in remotes]
        found = weights(names, allow_pickle)
        _refuse(uri, names, found)
        kept = found | matching(names, DESCRIPTIONS)
        return [remote for remote in remotes if remote.name in kept]

    return choose


def _refuse(uri: str, names: list[str], found: set[str]) -> None:
    if "config.json" not in names:
        raise UserError(f"{uri}: holds no config.json, so it is no checkpoint; check the place")
    if not found:
        others = sorted(matching(names, PICKLES)) or ["no weights at all"]
        raise UserError(
            f"{uri}: holds no *.safetensors but {', '.join(others[:3])}; "
            "save it by save_pretrained, or set `allow_pickle: true` where the weights are "
            "pytorch_model*.bin"
        )
