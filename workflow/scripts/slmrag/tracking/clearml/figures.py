"""Tables and pictures as figures of plotly, which ClearML's page draws."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_PICTURE_BYTES = 2**21
PICTURE_KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
ROW_PIXELS = 28
CHARACTER_PIXELS = 7
CELL_PADDING = 14
MIN_COLUMN_CHARACTERS, MAX_COLUMN_CHARACTERS = 6, 40
PICTURE_PIXELS = 600

Figure = dict[str, Any]


def table_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Return a table: numbers to the right, columns as wide as their texts, all rows in view."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    values = [[row.get(column) for row in rows] for column in columns]
    texts = [[cell_text(value) for value in column] for column in values]
    align = ["right" if is_numeric(column) else "left" for column in values]
    widths = [
        column_characters([*name.split(), *column])
        for name, column in zip(columns, texts, strict=True)
    ]
    table = {
        "type": "table",
        "columnwidth": [CELL_PADDING + CHARACTER_PIXELS * width for width in widths],
        "header": {
            "values": [f"<b>{escape(name)}</b>" for name in columns],
            "align": align,
            "height": ROW_PIXELS,
        },
        "cells": {"values": texts, "align": align, "height": ROW_PIXELS},
    }
    layout = {
        "height": ROW_PIXELS * (len(rows) + 2) + 60,
        "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
    }
    return {"data": [table], "layout": layout}


def cell_text(value: Any) -> str:
    """Return a cell as text: a number with 4 digits, nothing for what is not known."""
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) and abs(value) < 1e4 else str(value)
    return escape(text)


def escape(text: str) -> str:
    """Return a text that plotly does not take for markup."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;")


def is_numeric(values: Sequence[Any]) -> bool:
    """Return whether a column holds numbers, or texts of numbers."""
    known = [value for value in values if value not in (None, "")]
    return bool(known) and all(is_number(value) for value in known)


def is_number(value: Any) -> bool:
    """Return whether a value is a number or the text of one."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def column_characters(texts: Sequence[str]) -> int:
    """Return how wide a column is; its name is wrapped between words."""
    longest = max(map(len, texts))
    return min(max(longest, MIN_COLUMN_CHARACTERS), MAX_COLUMN_CHARACTERS)


def reason_without_picture(path: Path) -> str | None:
    """Return why a file cannot be shown, None if it can."""
    if path.suffix.lower() not in PICTURE_KINDS:
        return f"is no picture ({', '.join(PICTURE_KINDS)})"
    if not path.is_file():
        return "does not exist"
    size = path.stat().st_size
    return f"has {size / 1e6:.1f} MB, above 2" if size > MAX_PICTURE_BYTES else None


def picture_figure(path: Path) -> Figure:
    """Return a figure that shows a picture as large as the page lets it be."""
    kind = PICTURE_KINDS[path.suffix.lower()]
    source = f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"
    place = {"x": 0, "y": 1, "sizex": 1, "sizey": 1, "xref": "paper", "yref": "paper"}
    hidden = {"visible": False}
    layout = {
        "images": [{"source": source, "layer": "below", "sizing": "contain", **place}],
        "xaxis": hidden,
        "yaxis": hidden,
        "height": PICTURE_PIXELS,
        "margin": {"l": 0, "r": 0, "t": 30, "b": 0},
    }
    return {"data": [], "layout": layout}
