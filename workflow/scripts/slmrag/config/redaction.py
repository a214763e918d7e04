"""Mask secrets in all that is written: by a key's name, by shape, and by known value."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

MASK = "[redacted]"
SECRET_NAME = re.compile(
    r"(?ix) passw(or)?d | passphrase | secret | credential | authorization | private[_-]?key"
    r" | (api|access|account|auth)[_-]?key"
    r" | (^|[_\-.])(token(?!_(recall|match)\b|_(recall|match)_)|cookie|dsn)($|[_\-.])"
    r" | [_\-.]pwd$ | (^|[_\-.]|web)hook([_\-]?(url|uri|address))?$"
)
SECRET_SHAPE = re.compile(
    r"""(?x)
      \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | (?<![A-Za-z0-9/+=_.-])(?=[A-Za-z0-9/+]*[g-zG-Z/+])(?=[A-Za-z0-9/+]*[0-9])
      (?=[A-Za-z0-9/+]*[a-z])(?=[A-Za-z0-9/+]*[A-Z])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_.-])
    | \bhf_[A-Za-z0-9]{20,} | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_\w{20,}
    | \bsk-[A-Za-z0-9_-]{16,} | \bxox[abprs]-[A-Za-z0-9-]{10,}
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)
    | (?i:(?<=bearer\s)|(?<=basic\s))[\w.~+/=-]{8,}
    | (?<=X-Amz-Signature=)[^&\s"']+ | (?<=X-Amz-Credential=)[^&\s"']+
    | (?<=X-Amz-Security-Token=)[^&\s"']+
    | (?<=hooks\.slack\.com/)[\w/-]+ | (?<=/api/webhooks/)[\w/-]+
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)
    """
)
MIN_SECRET_LENGTH = 6


def is_secret_name(name: object) -> bool:
    """Say whether a key of this name holds a secret."""
    return bool(SECRET_NAME.search(str(name)))


def secret_values(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return the values of environment variables with secret names, except paths of files."""
    return _secret_values(frozenset(environment.items()))


@lru_cache(maxsize=4)
def _secret_values(environment: frozenset[tuple[str, str]]) -> frozenset[str]:
    found = (value for name, value in environment if is_secret_name(name))
    return frozenset(
        value for value in found if len(value) >= MIN_SECRET_LENGTH and not os.path.exists(value)
    )


@lru_cache(maxsize=4)
def _values_pattern(values: frozenset[str]) -> re.Pattern[str] | None:
    longest_first = sorted(values, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if values else None


def redact(text: str, values: frozenset[str] | None = None) -> str:
    """Return ``text`` with every secret in it masked."""
    pattern = _values_pattern(secret_values() if values is None else values)
    if pattern is not None:
        text = pattern.sub(MASK, text)
    return SECRET_SHAPE.sub(MASK, text)


def redactor() -> Callable[[str], str]:
    """Return ``redact`` for many texts: the environment is read once."""
    return partial(redact, values=secret_values())


def redact_values(value: Any, name: object = "") -> Any:
    """Return plain data (dicts, lists, scalars) with every secret in it masked."""
    if isinstance(value, Mapping):
        return {redact(str(key)): redact_values(item, key) for key, item in value.items()}
    if is_secret_name(name) and isinstance(value, str | bytes) and value:
        return MASK
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_values(item, name) for item in value]
    return value if isinstance(value, bool | int | float | None) else redact(str(value))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of nested mappings and lists with its dotted path."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{place}")
    else:
        yield path, value


def masked_paths(value: Any) -> list[str]:
    """Return the paths at which a secret was masked."""
    return [path for path, leaf in leaves(value) if MASK in f"{path}{leaf}"]
