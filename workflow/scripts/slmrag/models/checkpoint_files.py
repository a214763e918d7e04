"""The files of a checkpoint's folder that are the model: weights and descriptions, no code.

A folder often has other weights too: the same in Mistral's own format or in half precision, states
of training, other formats. Engines load one set, so one set is downloaded, counted and hashed.
"""

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from typing import Any

from slmrag.errors import UserError
from slmrag.files import ReadFile, digest

DESCRIPTIONS = ("*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*", "NOTICE*")
DOCUMENTS = ("*.md", "LICENSE*", "NOTICE*")
"""Descriptions for people; no engine reads them."""
WEIGHTS = ("*.safetensors",)
PICKLES = ("*.bin", "*.pt", "*.pth")
OTHER_WEIGHTS = ("*.onnx", "*.gguf", "*.h5", "*.msgpack")
ALLOWED_PICKLES = ("pytorch_model*.bin",)
"""Pickles that an entry may allow; engines read them by torch's weights-only loader."""
TRAINING_FILES = ("adapter_model*", "optimizer*")
"""Files of a training run that are no model."""
SAFETENSORS_NAME, PICKLE_NAME = "model.safetensors", "pytorch_model.bin"
SHARD = re.compile(r"(.+)-\d+-of-0*(\d+)\.\w+")
ENGINE_PATH = re.compile(r"(?:\d+_\w+|additional_chat_templates)/[^/]+|[^/]+")
"""Paths that engines read: in the folder itself, and in parts of sentence-transformers' models."""


def weight_files(names: Iterable[str], allow_pickle: bool, read: ReadFile) -> set[str]:
    """Return the names of the weight files: safetensors, or pickles if there are no safetensors.

    ``read`` is called for indexes only. UserError if an index names a missing file, or if it is not
    clear which of several files are the model.
    """
    names = {name for name in names if ENGINE_PATH.fullmatch(name)}
    folders = {name[: name.rfind("/") + 1] for name in names}
    return {one for folder in folders for one in _weights_in(folder, names, allow_pickle, read)}


def files_to_fetch(names: Iterable[str], allow_pickle: bool, read: ReadFile) -> set[str]:
    """Return the names of the files to download: weights, descriptions, documents.

    A subfolder with its own weights is another model. An index of missing weights is left out if it
    is not needed: vLLM would trust it.
    """
    names = list(names)
    found = weight_files(names, allow_pickle, read)
    others = {name.rpartition("/")[0] for name in matching_names(names, WEIGHTS) - found}
    foreign = tuple(f"{folder}/" for folder in others if not ENGINE_PATH.fullmatch(f"{folder}/x"))
    described = {
        name for name in matching_names(names, DESCRIPTIONS) if not name.startswith(foreign)
    }
    stale = (
        {}
        if _indexed_files(SAFETENSORS_NAME, names, read) <= found
        else {f"{SAFETENSORS_NAME}.index.json"}
    )
    return found | described.difference(stale)


def counted_files(names: Iterable[str], allow_pickle: bool, read: ReadFile) -> set[str]:
    """Return the names of the files that can change an answer or a vector."""
    return engine_files(files_to_fetch(names, allow_pickle, read))


def engine_files(names: Iterable[str]) -> set[str]:
    """Return the downloaded files that engines read: no documents, no other folders."""
    read = {name for name in names if ENGINE_PATH.fullmatch(name)}
    return read - matching_names(read, DOCUMENTS)


def checkpoint_digest(files: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest of the files of a manifest that can change an answer or a vector.

    Without documents it is the manifest's own ``digest``.
    """
    files = list(files)
    kept = engine_files(file["name"] for file in files)
    return digest([[file["name"], file["sha256"]] for file in files if file["name"] in kept])


def matching_names(names: Iterable[str], patterns: Iterable[str]) -> set[str]:
    """Return the names whose last part matches a pattern, without hidden files."""
    parts = {name: name.split("/") for name in names}
    return {
        name
        for name, (*_, base) in parts.items()
        if any(fnmatch(base, pattern) for pattern in patterns)
        and not any(part.startswith(".") for part in parts[name])
    }


def _weights_in(folder: str, names: set[str], allow_pickle: bool, read: ReadFile) -> set[str]:
    """Return the weight files directly in a folder; its name ends in a slash or is empty."""
    here = {name for name in names if name.rpartition("/")[0] == folder.rstrip("/")}
    here -= matching_names(here, TRAINING_FILES)
    if safe := matching_names(here, WEIGHTS):
        return _model_files(folder + SAFETENSORS_NAME, safe, here, read)
    pickles = matching_names(here, ALLOWED_PICKLES) if allow_pickle else set()
    return _model_files(folder + PICKLE_NAME, pickles, here, read) if pickles else set()


def _model_files(whole: str, found: set[str], names: set[str], read: ReadFile) -> set[str]:
    """Return the model's files: those of the index, the file of the usual name, or the only set."""
    indexed = _indexed_files(whole, names, read)
    if indexed and indexed <= found:
        return indexed
    if whole in found - indexed:
        return {whole}
    if indexed:
        lacking = min(indexed - found)
        raise UserError(
            f"{whole}.index.json names {lacking}, and it is missing; download "
            "the model again, or save it again"
        )
    return _only_set(whole, found)


def _only_set(whole: str, found: set[str]) -> set[str]:
    """Return the shards of the usual name, or of the only set; UserError if there are several."""
    sets: dict[tuple[str, int], set[str]] = {}
    for name in found:
        part = SHARD.fullmatch(name)
        sets.setdefault((part[1], int(part[2])) if part else (name, 1), set()).add(name)
    usual = [key for key in sets if key[0] == whole.rpartition(".")[0]] or list(sets)
    if len(usual) > 1:
        raise UserError(
            f"holds {', '.join(sorted(found)[:3])}, and nothing says which are the model; leave "
            f"one set there, or save it again with {whole}.index.json"
        )
    if len(mine := sets[usual[0]]) < usual[0][1]:
        raise UserError(
            f"holds {len(mine)} of {usual[0][1]} files of {usual[0][0]}; fetch the rest"
        )
    return mine


def _indexed_files(whole: str, names: Iterable[str], read: ReadFile) -> set[str]:
    """Return the files that a model's index names; empty without an index."""
    index = f"{whole}.index.json"
    if index not in names:
        return set()
    folder = whole[: whole.rfind("/") + 1]
    try:
        return {folder + name for name in json.loads(read(index))["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{index} has no weight_map; fetch it again, or save the model") from None
