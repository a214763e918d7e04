"""The parts of the page, in the order in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from slmrag.report.page.tables import Table


@dataclass(frozen=True)
class Figure:
    """A drawing, the name of its file, and a caption that says what it shows."""

    id: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading, a few sentences, and tables and figures under it; ``config`` can be saved."""

    id: str
    title: str
    words: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    notices: Sequence[str] = ()
    definitions: Sequence[tuple[str, str]] = ()
    widget: str = ""
    config: str = ""
