"""Tables of the page: columns that know how they are shown, rows of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from slmrag.report.page.formats import missing, show

Row = Mapping[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True)
class Column:
    """One column: its name in the rows, its heading, the kind of its values and what it means.

    An ``estimate`` is shown with the interval in the columns of its name and _low, _high, and
    with the words in the column ``remark``.
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

    def shown(self, row: Row) -> str:
        """Return the text of the row's value."""
        return show(row.get(self.name), self.kind)

    def interval(self, row: Row) -> tuple[str, str] | None:
        """Return the texts of the interval, or None where there is none."""
        low, high = (row.get(f"{self.name}_{end}") for end in ("low", "high"))
        if not self.estimate or missing(low) or missing(high):
            return None
        return show(low, self.kind), show(high, self.kind)

    def words(self, row: Row) -> str:
        """Return the remark on the row's value."""
        return row.get(self.remark) or ""

    def cell(self, row: Row) -> str:
        """Return the row's value as a table cell."""
        text = escape(self.shown(row), quote=False)
        if not self.number:
            wide = ' class="long" dir="auto"' if self.long else ""
            return f'<td{wide} data-c="{self.key}">{text}</td>'
        interval, words = self.interval(row), self.words(row)
        if interval:
            dash = " to " if self.kind == "difference" else "\u2013"
            text += f' <span class="ci">{dash.join(interval)}</span>'
        if words:
            text += f' <span class="words">{escape(words)}</span>'
        side = "r" if self.remark else "n"
        return f'<td class="{side}" data-c="{self.key}" data-v="{self.value(row)}">{text}</td>'

    @property
    def key(self) -> str:
        """The name as an attribute."""
        return escape(self.name)

    def value(self, row: Row) -> Any:
        """Return what is sorted by: the value itself, or an empty text."""
        value = row.get(self.name)
        return "" if missing(value) else value


DATASET, MODEL, MODE = (
    Column("dataset", "Data set"),
    Column("model", "Model"),
    Column("mode", "Mode"),
)
CELL = (DATASET, MODEL, MODE)


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
    def shown(self) -> Sequence[Row]:
        """The rows that a page can carry."""
        return self.rows[: self.limit]

    @property
    def body(self) -> str:
        """The rows as markup: every text is escaped, every number stands beside its text."""
        rows = ("".join(column.cell(row) for column in self.columns) for row in self.shown)
        return "\n".join(f"<tr>{cells}</tr>" for cells in rows)

    @property
    def notes(self) -> str:
        """The note, and how many rows are left out."""
        total = max(self.total, len(self.rows))
        if total <= self.limit:
            return self.note
        left = f"The first {self.limit} of {total} rows; all are in {self.source}."
        return f"{self.note} {left}".strip()

    @property
    def same(self) -> str:
        """The columns of names whose value is the same in all of several rows, as classes."""
        names = (column.name for column in self.columns if column.name in ("dataset", "model"))
        several = len(self.rows) > 1
        once = (n for n in names if several and len({row.get(n) for row in self.rows}) == 1)
        return " ".join(f"same-{name}" for name in once)

    def label(self, name: str) -> str:
        """Return the heading of a column."""
        return next((column.label for column in self.columns if column.name == name), name)


def table(
    id: str,
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *filters: str,
    note: str = "",
) -> Table:
    """Return a table without columns that are empty throughout, and the choices of its filters."""
    kept = [c for c in columns if c.always or any(not missing(row.get(c.name)) for row in rows)]
    options = {name: list(dict.fromkeys(str(row[name]) for row in rows)) for name in filters}
    return Table(id, caption, kept, rows, filters, note, options)
