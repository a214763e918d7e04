"""How a value is shown; what is sorted and compared is always the value itself."""

import math
from collections.abc import Callable
from typing import Any

MISSING = "\u2013"
MINUS = "\u2212"
NARROW = "\u202f"  # a narrow space that no line breaks at


def share(value: float) -> str:
    """Return three digits after the point."""
    return f"{value:.3f}".replace("-", MINUS)


def difference(value: float) -> str:
    """Return three digits after the point, with the sign of what is shown."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", MINUS)


def percent(value: float) -> str:
    """Return a share as whole per cents, one digit below ten."""
    return f"{100 * value:.{1 if 0 < value < 0.1 else 0}f}{NARROW}%".replace("-", MINUS)


def count(value: float) -> str:
    """Return a whole number in groups of three."""
    return f"{value:,.0f}".replace(",", NARROW)


def decimal(value: float) -> str:
    """Return about three significant digits, as many in all rows of a column."""
    return count(value) if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")


def size(value: float) -> str:
    """Return bytes in MB or GB (powers of ten)."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def probability(value: float) -> str:
    """Return a p value: never zero, and never rounded to a level that it does not reach."""
    if value < 0.001:
        return "< 0.001"
    text = f"{value:.3f}"
    if text not in ("0.010", "0.050") or float(text) == value:
        return text
    away = math.floor if value < float(text) else math.ceil
    return f"{away(value * 1e4) / 1e4:.4f}"


def billions(value: float) -> str:
    """Return a number of weights in millions or billions."""
    return f"{value / 1e9:.2f} B" if value >= 1e9 else f"{value / 1e6:.0f} M"


FORMATS: dict[str, Callable[[Any], str]] = {
    "share": share,
    "difference": difference,
    "percent": percent,
    "count": count,
    "decimal": decimal,
    "size": size,
    "probability": probability,
    "billions": billions,
    "text": str,
}


def missing(value: Any) -> bool:
    """Tell whether there is no value: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def show(value: Any, kind: str) -> str:
    """Return the text of a value, or a dash where there is none."""
    return MISSING if missing(value) else FORMATS[kind](value)
