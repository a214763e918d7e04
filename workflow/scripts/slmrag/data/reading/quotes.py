"""A proof that the quotes of a block can be counted to tell what is quoted.

The rule is that of Python's csv: a quote opens a field only at its start; inside an unquoted field
it means nothing. In a sound block the first quote of each pair opens a field, or is the second half
of a doubled quote; the other closes the field, or is the first half. A pair inside unquoted fields
of one line is sound too: it opens nothing and keeps the count even.
"""

import numpy as np

QUOTE, LINE_END = ord('"'), ord("\n")


def sound_end(block: bytes, separator: str) -> int:
    """Return the end of the last whole record of a block of lines; 0 without a proof.

    The block begins with a record and ends with a line end.
    """
    data = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(data == QUOTE)
    if not _are_sound(data, quotes, ord(separator)):
        return 0
    if quotes.size % 2 == 0:
        return len(block)
    line_ends = np.flatnonzero(data == LINE_END)
    outside = line_ends[np.searchsorted(quotes, line_ends) % 2 == 0]
    return int(outside[-1]) + 1 if outside.size else 0


def _are_sound(data: np.ndarray, quotes: np.ndarray, separator: int) -> bool:
    """Tell whether each pair of quotes belongs to a quoted field, or is inside unquoted ones."""
    edge = np.zeros(256, bool)
    edge[[separator, LINE_END, QUOTE]] = True
    first, second = quotes[0::2], quotes[1::2]
    before = data[first - 1]  # before the first byte: the last one, a line end
    opens = edge[before]
    of_fields, alone = opens[: second.size], opens[second.size :]
    if not edge[data[second + 1]][of_fields].all() or not alone.all():
        return False
    goes_on = before[1:] == QUOTE
    if of_fields.all() or (goes_on & ~opens[:-1]).any():
        return bool(of_fields.all())
    return _are_plain(data, first[: second.size][~of_fields], second[~of_fields], separator)


def _are_plain(data: np.ndarray, first: np.ndarray, second: np.ndarray, separator: int) -> bool:
    """Tell whether each pair is in one line, and its second quote is not at a field's start."""
    line_ends = np.flatnonzero(data == LINE_END)
    one_line = np.searchsorted(line_ends, first) == np.searchsorted(line_ends, second)
    return bool(one_line.all() and (data[second - 1] != separator).all())
