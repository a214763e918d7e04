"""Tables and sections of the page: columns with formats, rows of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from slmrag.report.page.formats import format_value, is_missing

Row = Mapping[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True)
class Column:
    """One column: its name in the rows, its heading, the format of its values and what it means.

    An ``estimate`` is shown with the interval in the columns of its name and _low, _high, and
    with the text in the column ``remark``.
    """

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    estimate: bool = False
    remark: str = ""
    long: bool = False
    always: bool = False

    @property
    def number(self) -> bool:
        """Whether the values are numbers, aligned at the right."""
        return self.kind != "text"

    def html(self, row: Row) -> str:
        """Return the row's value as a table cell."""
        text = escape(format_value(row.get(self.name), self.kind), quote=False)
        name = escape(self.name)
        if not self.number:
            wide = ' class="long" dir="auto"' if self.long else ""
            return f'<td{wide} data-c="{name}">{text}</td>'
        if interval := self.interval(row):
            dash = " to " if self.kind == "difference" else "\u2013"
            text += f' <span class="ci">{dash.join(interval)}</span>'
        if remark := row.get(self.remark):
            text += f' <span class="remark">{escape(remark)}</span>'
        side = "r" if self.remark else "n"
        return f'<td class="{side}" data-c="{name}" data-v="{self.sort_value(row)}">{text}</td>'

    def interval(self, row: Row) -> tuple[str, str] | None:
        """Return the texts of the interval, or None where there is none."""
        low, high = (row.get(f"{self.name}_{end}") for end in ("low", "high"))
        if not self.estimate or is_missing(low) or is_missing(high):
            return None
        return format_value(low, self.kind), format_value(high, self.kind)

    def sort_value(self, row: Row) -> Any:
        """Return the value that rows are sorted by, or an empty text if it is missing."""
        value = row.get(self.name)
        return "" if is_missing(value) else value


DATASET, MODEL, MODE = (
    Column("dataset", "Data set"),
    Column("model", "Model"),
    Column("mode", "Mode"),
)
CELL_COLUMNS = (DATASET, MODEL, MODE)


@dataclass(frozen=True)
class Table:
    """A table with a name, a caption that says what it shows, and columns to filter by."""

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    filters: Sequence[str] = ()
    note: str = ""
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limit: int = 1000
    source: str = "analysis.json"
    total: int = 0

    @property
    def shown_rows(self) -> Sequence[Row]:
        """The rows that the page can hold."""
        return self.rows[: self.limit]

    @property
    def html_rows(self) -> str:
        """The rows as markup: every text is escaped, every number stands beside its text."""
        rows = ("".join(column.html(row) for column in self.columns) for row in self.shown_rows)
        return "\n".join(f"<tr>{cells}</tr>" for cells in rows)

    @property
    def full_note(self) -> str:
        """The note, and how many rows are left out."""
        total = max(self.total, len(self.rows))
        if total <= self.limit:
            return self.note
        left = f"The first {self.limit} of {total} rows; all are in {self.source}."
        return f"{self.note} {left}".strip()

    @property
    def constant_classes(self) -> str:
        """CSS classes for name columns with the same value in all of several rows."""
        names = (column.name for column in self.columns if column.name in ("dataset", "model"))
        several = len(self.rows) > 1
        once = (n for n in names if several and len({row.get(n) for row in self.rows}) == 1)
        return " ".join(f"same-{name}" for name in once)

    def label(self, name: str) -> str:
        """Return the heading of a column."""
        return next((column.label for column in self.columns if column.name == name), name)


def make_table(
    id: str,
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *filters: str,
    note: str = "",
) -> Table:
    """Return a table without its empty columns, and with the choices of its filters."""
    kept = [c for c in columns if c.always or any(not is_missing(row.get(c.name)) for row in rows)]
    options = {name: list(dict.fromkeys(str(row[name]) for row in rows)) for name in filters}
    return Table(id, caption, kept, rows, filters, note, options)


@dataclass(frozen=True)
class Figure:
    """A drawing, the name of its file, and a caption that says what it shows.

    ``native`` is the same plot as a plotly figure in plain JSON.
    """

    id: str
    svg: str
    caption: str
    native: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A heading, a few sentences, and tables and figures under it.

    ``widget`` is the id of a part that the page's script fills; ``config`` is offered as a file.
    """

    id: str
    title: str
    intro: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    notices: Sequence[str] = ()
    definitions: Sequence[tuple[str, str]] = ()
    widget: str = ""
    config: str = ""
