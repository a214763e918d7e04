"""Wrapped lines: their end is a space, except in Chinese and Japanese."""

import regex

_EAST_ASIAN = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}"
    r"\u3001-\u301f\u30fb\u30fc\uff01-\uff5e]"
)
_INSIDE = regex.compile(rf"(?<={_EAST_ASIAN})[ \t]*\r?\n[ \t]*(?={_EAST_ASIAN})", regex.V1)


def join_wrapped(text: str) -> str:
    """Return a text without line ends between two signs of Chinese or Japanese.

    As in CSS (Text 4, segment break transformation): before wrapping there was no space.
    """
    return text if text.isascii() else _INSIDE.sub("", text)


def as_one_line(text: str) -> str:
    """Return a text as one line, with single spaces."""
    return " ".join(join_wrapped(text).split())
