"""How values are shown as text; they are sorted and compared by the values themselves."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

MISSING_TEXT = "\u2013"
MINUS_SIGN = "\u2212"
NARROW_SPACE = "\u202f"  # a narrow space that no line breaks at
SMALLEST_P = 10  # the smallest p value that is shown as a number, in steps of 0.0001


def format_share(value: float) -> str:
    """Return three digits after the point."""
    return f"{value:.3f}".replace("-", MINUS_SIGN)


def format_difference(value: float) -> str:
    """Return three digits after the point, with a sign unless they are zero."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", MINUS_SIGN)


def format_percent(value: float) -> str:
    """Return a share as whole per cents, one digit below ten."""
    return f"{100 * value:.{1 if 0 < value < 0.1 else 0}f}{NARROW_SPACE}%".replace("-", MINUS_SIGN)


def format_count(value: float) -> str:
    """Return a whole number in groups of three."""
    return f"{value:,.0f}".replace(",", NARROW_SPACE)


def format_decimal(value: float) -> str:
    """Return about three significant digits."""
    return format_count(value) if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")


def format_size(value: float) -> str:
    """Return bytes in MB or GB (powers of ten)."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def format_probability(value: float) -> str:
    """Return a p value: never zero, and never rounded to 0.01 or 0.05 if it is not equal."""
    if value < 0.001:
        return "< 0.001"
    text = f"{value:.3f}"
    if text not in ("0.010", "0.050") or float(text) == value:
        return text
    away = math.floor if value < float(text) else math.ceil
    return f"{away(value * 1e4) / 1e4:.4f}"


def format_billions(value: float) -> str:
    """Return a number of weights in millions or billions."""
    return f"{value / 1e9:.2f} B" if value >= 1e9 else f"{value / 1e6:.0f} M"


FORMATS: dict[str, Callable[[Any], str]] = {
    "share": format_share,
    "difference": format_difference,
    "percent": format_percent,
    "count": format_count,
    "decimal": format_decimal,
    "size": format_size,
    "probability": format_probability,
    "billions": format_billions,
    "text": str,
}


def is_missing(value: Any) -> bool:
    """Return whether a value is missing: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def format_value(value: Any, kind: str) -> str:
    """Return the text of a value, or a dash where there is none."""
    return MISSING_TEXT if is_missing(value) else FORMATS[kind](value)


def to_thousandths(values: "pl.Series") -> np.ndarray:
    """Return numbers in steps of 0.001, rounded as text formatting rounds them."""
    exact = values.to_numpy() * 1e3
    found = np.rint(exact).astype(np.int64)
    for tied in np.flatnonzero(np.abs(np.abs(exact - found) - 0.5) < 1e-6):
        found[tied] = round(float(f"{values[int(tied)]:.3f}") * 1000)
    return found


def to_probability_steps(values: "pl.Series") -> np.ndarray:
    """Return p values in steps of 0.0001 as ``probability`` shows them, 0 below 0.001."""
    exact, shown = values.to_numpy() * 1e4, 10 * to_thousandths(values)
    close = np.isin(shown, (100, 500)) & (exact != shown)
    away = np.where(exact < shown, np.floor(exact), np.ceil(exact)).astype(np.int64)
    return np.where(exact < SMALLEST_P, 0, np.where(close, away, shown))
