"""Downloads of checkpoints from the hub, a prefix or a folder: safetensors, no code."""

import logging
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.files import ChooseFiles, ReadFile
from slmrag.models.checkpoint_files import (
    DESCRIPTIONS,
    OTHER_WEIGHTS,
    PICKLES,
    WEIGHTS,
    files_to_fetch,
    matching_names,
)
from slmrag.storage import download

log = logging.getLogger(__name__)


def fetch_checkpoint(
    uri: str,
    revision: str | None,
    folder: str | Path,
    storage: Mapping[str, Any],
    allow_pickle: bool = False,
) -> tuple[str | None, list[dict[str, Any]]]:
    """Fill ``folder`` and return the resolved revision (None outside the hub) and the files."""
    choose = file_chooser(uri, allow_pickle)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", uri) and not Path(uri).exists():
        raise UserError(f"{uri}: no such folder; if it is a model of the hub, write hf:{uri}")
    if not uri.startswith("hf:"):
        return None, download(checkpoint_prefix(uri), folder, dict(storage), wanted=choose)
    from slmrag.storage.hub import snapshot

    local, resolved, chosen = snapshot(uri.removeprefix("hf:"), revision, DESCRIPTIONS, choose)
    return resolved, download(str(local), folder, {}, wanted=lambda names, read: chosen)


def checkpoint_prefix(uri: str) -> str:
    """Return the URI of a checkpoint's files, with a slash at the end of an S3 prefix."""
    return uri + "/" if uri.startswith("s3://") and not uri.endswith("/") else uri


def file_chooser(uri: str, allow_pickle: bool) -> ChooseFiles:
    """Return the function that chooses a checkpoint's files; it refuses other folders."""

    def choose(names: list[str], read: ReadFile) -> set[str]:
        if "config.json" not in names:
            raise UserError(f"{uri}: holds no config.json, so it is no checkpoint; check the place")
        try:
            kept = files_to_fetch(names, allow_pickle, read)
        except UserError as error:
            raise UserError(f"{uri}: {error}") from None
        _refuse_without_weights(uri, names, kept)
        left = sorted(matching_names(names, [*WEIGHTS, *PICKLES, *OTHER_WEIGHTS]) - kept)
        if left:
            log.info("%s: skipped %s: other weights than the model's", uri, ", ".join(left))
        return kept

    return choose


def _refuse_without_weights(uri: str, names: list[str], kept: Collection[str]) -> None:
    if not matching_names(kept, [*WEIGHTS, *PICKLES]):
        others = sorted(matching_names(names, [*WEIGHTS, *PICKLES])) or ["no weights at all"]
        raise UserError(
            f"{uri}: holds no *.safetensors but {', '.join(others[:3])}; "
            "save it by save_pretrained, or set `allow_pickle: true` where the weights are "
            "pytorch_model*.bin"
        )
