"""The CSV dialect of a corpus or a data set: keys for what a format leaves open."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

FORMATS_OF_KEY = {
    "separator": ("csv",),
    "quoting": ("csv", "dpr_tsv", "dpr_qa"),
    "header": ("csv",),
}
"""The formats that each key is for."""
SEPARATOR_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}


def _check_separator(value: str) -> str:
    """Return the separator that is meant; ValueError if it cannot separate fields."""
    mark = SEPARATOR_NAMES.get(value, value)
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in '"\r\n\0':
        raise ValueError(f"{value!r} is no separator; write one ASCII sign, or tab")
    return mark


def _check_column_names(names: list[str]) -> list[str]:
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise ValueError("each column needs a name of its own")
    return names


Separator = Annotated[str, AfterValidator(_check_separator)]
Quoting = Literal["none"]
Header = Annotated[list[str], Field(min_length=1), AfterValidator(_check_column_names)]


def separator_field() -> Any:
    """Return the key of the separator."""
    return Field(
        None,
        description="For csv: what stands between two fields, `tab` or one sign such as `;` (a "
        "comma; a tab where the file is called .tsv)",
    )


def quoting_field() -> Any:
    """Return the key that makes quotes plain text."""
    return Field(
        None,
        description="`none` for a csv, dpr_tsv or dpr_qa file whose quotes are plain text (MS "
        "MARCO, ColBERT, Tatoeba)",
    )


def header_field() -> Any:
    """Return the key that names the columns."""
    return Field(
        None, description="For csv: the columns' names, where no line of the file has them"
    )


def check_dialect(entry: Any) -> None:
    """Refuse a key that the entry's format does not use."""
    for key, formats in FORMATS_OF_KEY.items():
        if getattr(entry, key) is not None and entry.format not in formats:
            raise ValueError(f"{key} is for {', '.join(formats)}; {entry.format} has its own")
