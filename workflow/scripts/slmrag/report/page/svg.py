"""Small SVG drawings, so that a page needs no plotting library and no script."""

import math
import re
from collections.abc import Sequence
from html import escape

SERIES_STYLES = 8  # colors and shapes before they repeat
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
    "M0 -5.2L5.2 0L0 5.2L-5.2 0Z",
    "M-3.7 -3.7H3.7V3.7H-3.7Z",
    "M0 -4.8L4.8 3.8H-4.8Z",
    "M0 4.8L4.8 -3.8H-4.8Z",
    "M-1.5 -5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5V-1.5H-1.5Z",
    "M-5 -2L0 -5L5 -2L3 4.5H-3Z",
    "M-5 -3.5H5L2 0L5 3.5H-5L-2 0Z",
)
STANDALONE_STYLE = """
text{font:12px system-ui,sans-serif;fill:#333}
.axis,.grid{stroke:#999;stroke-width:1}.grid{opacity:.3}
.bar{stroke-width:2}.muted{fill:#777}.s0{--c:#0072b2}.s1{--c:#d55e00}.s2{--c:#009e73}.s3{--c:#cc79a7}
.s4{--c:#b37700}.s5{--c:#56b4e9}.s6{--c:#555}.s7{--c:#8f4a2b}.mark{fill:var(--c);stroke:var(--c)}
.line{fill:none;stroke:var(--c);stroke-width:1.5}.muted-line{stroke:#999;stroke-dasharray:3 3}
@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}.muted{fill:#999}
.s0{--c:#5fb4e8}.s1{--c:#f08a4b}.s2{--c:#35c79b}.s3{--c:#e3a0c6}.s4{--c:#e0b050}.s6{--c:#aaa}}
"""
SERIES_COLORS = re.findall(r"--c:(#\w+)", STANDALONE_STYLE)[:SERIES_STYLES]
"""The colors on white."""


def element(tag: str, *children: str, **attributes: object) -> str:
    """Return an element; ``children`` are markup, attributes are escaped, ``_`` becomes ``-``."""
    pairs = ((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    written = "".join(f' {name}="{escape(_plain(value))}"' for name, value in pairs)
    return f"<{tag}{written}>{''.join(children)}</{tag}>"


def _plain(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def text_element(x: float, y: float, words: str, anchor: str = "start", class_: str = "") -> str:
    """Return a line of text."""
    return element("text", escape(words), x=x, y=y, text_anchor=anchor, class_=class_)


def point_mark(
    x: float, y: float, series: int, tip: str, interval: tuple[float, float] | None
) -> str:
    """Return a point of a series with its horizontal interval and the words shown on hover."""
    parts = [element("title", escape(tip))]
    if interval:
        parts.append(
            element("path", d=f"M{interval[0]:.1f} {y:.1f}H{interval[1]:.1f}", class_="bar")
        )
    place = f"translate({x:.1f} {y:.1f})"
    parts.append(element("path", d=SHAPES[series % SERIES_STYLES], transform=place))
    return element("g", *parts, class_=f"mark s{series % SERIES_STYLES}")


def line_element(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """Return a straight line."""
    return element("path", d=f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", class_=class_)


def legend(names: Sequence[str], x: float, y: float, width: float) -> tuple[str, float]:
    """Return the series' names beside their marks, wrapped at ``width``, and the height used."""
    parts, left, top = [], x, y
    for series, name in enumerate(names):
        reach = 26 + 7.2 * len(name)
        if left > x and left + reach > width:
            left, top = x, top + 20
        parts.append(
            point_mark(left + 6, top, series, name, None) + text_element(left + 16, top + 4, name)
        )
        left += reach
    return "".join(parts), top - y + 24


def drawing(width: float, height: float, label: str, *parts: str) -> str:
    """Return an SVG that scales down with its column."""
    return element(
        "svg",
        element("title", escape(label)),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        role="img",
        aria_label=label,
    )


def standalone(svg: str) -> str:
    """Return a drawing with its colors, for a file of its own."""
    return svg.replace(">", f"><style>{STANDALONE_STYLE}</style>", 1)


def round_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return about ``about`` round numbers from ``low`` to ``high``."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(step * i, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]
