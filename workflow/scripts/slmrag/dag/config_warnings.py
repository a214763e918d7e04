"""Warnings about a valid config: equal entries, names alike, too few tokens, languages."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.config import language_checks
from slmrag.config.chat_options import THINKING_SWITCHES, chat_arguments
from slmrag.config.name_clashes import case_clashes
from slmrag.config.sampling_checks import sampling_of_models
from slmrag.dag.local_files import template_path

if TYPE_CHECKING:
    from slmrag.config.base import Entry
    from slmrag.config.models import ModelEntry
    from slmrag.config.schema import Config

MIN_REASONING_TOKENS = 4096
"""Fewest tokens for a reasoning and an answer; Qwen3's card advises 32,768."""


def config_warnings(config: "Config", basedir: str) -> Iterator[str]:
    """Yield the warnings; ``basedir`` is the Snakefile's folder, where our templates are."""
    for where, entry, sampling in sampling_of_models(config):
        yield from _too_few_tokens(where, entry, sampling.max_tokens)
    yield from case_clashes(config)
    yield from language_checks.language_warnings(config)
    for table, keys in _expanded_entries(config, basedir).items():
        yield from _equal_entries(table, keys)


def _too_few_tokens(where: str, entry: "ModelEntry", tokens: int) -> Iterator[str]:
    if (key := _reasoning_key(entry)) and tokens < MIN_REASONING_TOKENS:
        yield (
            f"{where}.{key}: reasoning is cut off at max_tokens {tokens}, mostly before an "
            "answer begins; set max_tokens of the model to "
            f"{MIN_REASONING_TOKENS} or more, or remove the key"
        )


def _reasoning_key(entry: "ModelEntry") -> str | None:
    """Return the key by which an entry asks for reasoning, or None."""
    template_arguments = chat_arguments(entry.params())
    asked = {
        "thinking": entry.thinking,
        "chat_template_kwargs": any(template_arguments.get(name) for name in THINKING_SWITCHES),
        "reasoning": entry.reasoning not in (None, "auto", "none"),
    }
    return next((key for key, wanted in asked.items() if wanted), None)


def _equal_entries(table: str, keys: Mapping[str, Any]) -> Iterator[str]:
    first: dict[str, str] = {}
    for name, key in keys.items():
        other = first.setdefault(json.dumps(key, sort_keys=True), name)
        if other != name:
            yield (
                f"{table}.{name}: the same as {table}.{other} in all that can change a result; "
                "remove one, or write what should differ"
            )


def _expanded_entries(config: "Config", basedir: str) -> dict[str, dict[str, Any]]:
    """Return the keys of all entries by table, with the names of other entries expanded."""
    objects = {name: entry.params() for name, entry in config.objects.items()}
    corpora = {name: _expand(entry, object=objects) for name, entry in config.corpora.items()}
    retrievers = {name: entry.params() for name, entry in config.retrievers.items()}
    sampling = config.sampling.params()
    named = {"object": objects, "gold": objects, "train": objects, "corpus": corpora}
    return {
        "corpora": corpora,
        "datasets": {name: _expand(one, **named) for name, one in config.datasets.items()},
        "retrievers": retrievers,
        "modes": {
            name: _expand(mode, retriever=retrievers)
            | {"prompt": _prompt_text(mode.prompt, basedir)}
            for name, mode in config.modes.items()
        },
        "models": {name: sampling | entry.params() for name, entry in config.models.items()},
    }


def _expand(entry: "Entry", **tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's keys, with names of other entries replaced by their keys."""
    keys = entry.params()
    for key, table in tables.items():
        named = keys.get(key)
        if isinstance(named, list):
            keys[key] = [table[name] for name in named]
        elif named is not None:
            keys[key] = table[named]
    return keys


def _prompt_text(prompt: str, basedir: str) -> str:
    path = Path(template_path(prompt, basedir))
    return path.read_text(encoding="utf-8") if path.is_file() else prompt
