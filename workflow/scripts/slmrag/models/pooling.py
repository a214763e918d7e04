"""The pooling and prefixes that an encoder was trained with: wrong ones give no error.

A retriever's keys come first, then ``FAMILY_SETTINGS`` by the checkpoint's name, then
sentence-transformers' files in the checkpoint. If none says how to pool, it is an error.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.files import read_json

KNOWN_MODULES = frozenset({"Transformer", "Pooling", "Normalize"})
"""The modules of sentence-transformers that are applied here."""
_TASK = "Given a web search query, retrieve relevant passages that answer the query"


@dataclass(frozen=True)
class EncoderSettings:
    """How text becomes a vector; ``pair`` gives title and text to the tokenizer as two segments."""

    pooling: str | None = None
    query_prefix: str = ""
    passage_prefix: str = ""
    normalize: bool = True
    pair: bool = False
    max_length: int | None = None

    def record(self) -> dict[str, Any]:
        """Return them as plain values."""
        return asdict(self)


FAMILY_SETTINGS: dict[str, EncoderSettings] = {
    r"e5-mistral": EncoderSettings("last", f"Instruct: {_TASK}\nQuery: "),
    r"e5-(small|base|large)-instruct|e5-large-instruct": EncoderSettings(
        "mean", f"Instruct: {_TASK}\nQuery: "
    ),
    r"e5-(small|base|large)": EncoderSettings("mean", "query: ", "passage: "),
    r"bge-(small|base|large)-en": EncoderSettings(
        "cls", "Represent this sentence for searching relevant passages: "
    ),
    r"bge-m3": EncoderSettings("cls"),
    r"gte-(small|base|large)$": EncoderSettings("mean"),
    r"gte-modernbert": EncoderSettings("cls"),
    r"contriever": EncoderSettings("mean", normalize=False),
    r"dpr-(ctx|question)_encoder": EncoderSettings(
        "cls", normalize=False, pair=True, max_length=256
    ),
    r"qwen3-embedding": EncoderSettings("last", f"Instruct: {_TASK}\nQuery:"),
    r"all-minilm": EncoderSettings("mean", max_length=256),
}


def encoder_settings(checkpoint: Path, params: Mapping[str, Any]) -> EncoderSettings:
    """Return the settings of the encoder in a folder; UserError if the pooling is not known."""
    _refuse_layers(checkpoint, params)
    name = str(params.get("encoder", "")).rstrip("/").rpartition("/")[2].lower()
    families = (known for pattern, known in FAMILY_SETTINGS.items() if re.search(pattern, name))
    chosen = next(families, None) or _from_files(checkpoint)
    given = {key: params[key] for key in chosen.record() if params.get(key) is not None}
    chosen = replace(chosen, **given)
    if chosen.pooling is None:
        raise UserError(
            f"encoder {params.get('encoder')}: neither its name nor its files say how it pools; "
            "give the retriever pooling: mean, cls or last (and its prefixes)"
        )
    return chosen


def _refuse_layers(checkpoint: Path, params: Mapping[str, Any]) -> None:
    """Refuse an encoder with layers after the pooling: without them its vectors would be wrong."""
    modules = _read_optional_json(checkpoint / "modules.json") or []
    names = [str(module["type"]).rpartition(".")[2] for module in modules]
    if others := [name for name in names if name not in KNOWN_MODULES]:
        raise UserError(
            f"encoder {params.get('encoder')}: its modules.json has a layer that is not supported "
            f"({', '.join(dict.fromkeys(others))}); choose another encoder"
        )


def _from_files(checkpoint: Path) -> EncoderSettings:
    """Read sentence-transformers' files: pooling, normalization, prompts, longest text."""
    prompts = (
        _read_optional_json(checkpoint / "config_sentence_transformers.json").get("prompts") or {}
    )
    modules = _read_optional_json(checkpoint / "modules.json") or []
    return EncoderSettings(
        pooling=_pooling(_read_optional_json(checkpoint / "1_Pooling" / "config.json")),
        query_prefix=prompts.get("query", ""),
        passage_prefix=prompts.get("document", prompts.get("passage", "")),
        normalize=not modules or any("Normalize" in module["type"] for module in modules),
        max_length=_read_optional_json(checkpoint / "sentence_bert_config.json").get(
            "max_seq_length"
        ),
    )


def _pooling(settings: Mapping[str, Any]) -> str | None:
    modes = {"mean_tokens": "mean", "cls_token": "cls", "lasttoken": "last"}
    return next((ours for key, ours in modes.items() if settings.get(f"pooling_mode_{key}")), None)


def _read_optional_json(path: Path) -> Any:
    return read_json(path) if path.is_file() else {}
