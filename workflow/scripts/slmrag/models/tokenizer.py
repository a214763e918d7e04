"""A checkpoint's tokenizer: texts to token ids, without transformers."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class CheckpointTokenizer:
    """A checkpoint's tokenizer: texts to token ids, without transformers."""

    def __init__(self, checkpoint: Path) -> None:
        self._path = checkpoint / "tokenizer.json"
        self._settings = tokenizer_config(checkpoint)

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        if not self._path.is_file():
            raise UserError(
                f"{self._path} is missing; save the tokenizer with transformers' "
                "AutoTokenizer.from_pretrained(...).save_pretrained(...) into the checkpoint"
            )
        try:
            tokenizer = Tokenizer.from_file(str(self._path))
        except Exception as error:
            raise UserError(f"{self._path} is no tokenizer ({error}); download it again") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _bos(self) -> list[int]:
        """The bos token, if the settings ask for it and the tokenizer does not add it itself."""
        first = self._tokenizer.token_to_id(special_tokens(self._settings).get("bos_token", ""))
        if not self._settings.get("add_bos_token") or first is None:
            return []
        return [] if self._tokenizer.encode("a").ids[:1] == [first] else [first]

    def encode(self, texts: Sequence[str], special: bool) -> list[list[int]]:
        """Return the token ids of each text, with special tokens around them if ``special``."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=special)
        first = self._bos if special else []
        return [first + one.ids for one in encoded]

    def fits_tokens(self, text: str, limit: int, special: bool) -> bool:
        """Tell whether a text has at most ``limit`` tokens; they are counted only if needed."""
        return fits_by_bytes(text, limit) or len(self.encode([text], special)[0]) <= limit

    @cached_property
    def specials(self) -> re.Pattern[str] | None:
        """A pattern of the special tokens, which a text must not contain."""
        return any_token_pattern(self.special_texts)

    @cached_property
    def special_texts(self) -> list[str]:
        """The special tokens as texts; empty without tokenizer.json."""
        from slmrag.files import read_json

        if not self._path.is_file():
            return []
        try:
            known = read_json(self._path).get("added_tokens", [])
        except (ValueError, AttributeError) as error:
            raise UserError(f"{self._path} is no tokenizer ({error}); download it again") from error
        return [token["content"] for token in known if token.get("special")]

    def escape_special_tokens(self, text: str) -> str:
        """Put a space into each special token that a question or a passage contains."""
        if self.specials is None or not self.specials.search(text):
            return text
        return self.specials.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def any_token_pattern(tokens: Sequence[str]) -> re.Pattern[str] | None:
    """Return a pattern of any of some texts, the longest first, or None for none."""
    names = sorted(map(re.escape, tokens), key=len, reverse=True)
    return re.compile("|".join(names)) if names else None


def fits_by_bytes(text: str, limit: int) -> bool:
    """Tell whether a text has so few bytes that it has at most ``limit`` tokens.

    A token has at least one byte; 8 more leave room for special tokens.
    """
    return len(text.encode("utf-8", "replace")) + 8 <= limit


def tokenizer_config(checkpoint: Path) -> dict[str, Any]:
    """Return tokenizer_config.json; empty if the checkpoint has none."""
    return _json(checkpoint / "tokenizer_config.json")


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); download the checkpoint again") from error


def template_tokens(checkpoint: Path) -> dict[str, str]:
    """Return the special tokens for a chat template, by name, as in Transformers 5.

    special_tokens_map.json counts unless tokenizer_config.json lists the added tokens itself.
    """
    config = tokenizer_config(checkpoint)
    if "added_tokens_decoder" not in config:
        config = {**config, **_json(checkpoint / "special_tokens_map.json")}
    more = config.get("extra_special_tokens")
    return special_tokens(config) | (token_texts(more) if isinstance(more, dict) else {})


def special_tokens(config: dict[str, Any]) -> dict[str, str]:
    """Return bos_token, eos_token and their like, by name."""
    return token_texts({key: value for key, value in config.items() if key.endswith("_token")})


def token_texts(tokens: dict[str, Any]) -> dict[str, str]:
    """Return tokens (texts, or objects with ``content``) as texts; others are left out."""
    found = {k: v.get("content") if isinstance(v, dict) else v for k, v in tokens.items()}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def token_ids(checkpoint: Path) -> tuple[dict[str, int], set[int]]:
    """Return the id of each token by tokenizer.json, and the ids of the special ones."""
    path = checkpoint / "tokenizer.json"
    try:
        tokenizer = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        added = tokenizer.get("added_tokens") or []
        ids = _vocabulary(tokenizer) | {one["content"]: one["id"] for one in added}
        return ids, {one["id"] for one in added if one.get("special")}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is no tokenizer ({error}); download it again") from error


def _vocabulary(tokenizer: dict[str, Any]) -> dict[str, int]:
    """Return the vocabulary of tokenizer.json; Unigram has a list of tokens with their scores."""
    known = (tokenizer.get("model") or {}).get("vocab") or {}
    return known if isinstance(known, dict) else {one[0]: at for at, one in enumerate(known)}
