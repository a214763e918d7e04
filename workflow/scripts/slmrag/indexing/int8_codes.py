"""Vectors in bytes, made once when an index is built: what exact search reads instead of them.

A chunk of vectors x has a mean, a unit and codes of its own, x = mean + unit codes + rest, and
says how long the longest rest and the longest unit codes are: so far may a product of codes err.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from slmrag.errors import UserError
from slmrag.indexing.vectors import create, mapped, to_float32
from slmrag.job.progress import bar

Array = np.ndarray

CHUNK = 16_384
TINY = np.float32(1e-30)


class Codes(NamedTuple):
    """A file of vectors in bytes: int8 [rows, d], and float32 [chunks, 4 + d], their scales.

    A chunk's scales are its unit, its longest rest, unit codes, and vector at most; then its mean.
    """

    codes: Array
    scales: Array


def write(parts: Sequence[Array], index: Path) -> None:
    """Write ``codes-*.npy`` and ``scales-*.npy`` of an index beside its vectors, chunk by chunk."""
    with bar(total=sum(map(len, parts)), desc="vectors to bytes", unit="vector") as progress:
        for number, part in enumerate(parts):
            rows, dimensions = part.shape
            codes = create(index / f"codes-{number:05d}.npy", rows, dimensions, np.int8)
            scales = np.zeros((-(-len(part) // CHUNK), 4 + part.shape[1]), dtype=np.float32)
            for row, start in zip(scales, range(0, len(part), CHUNK), strict=True):
                codes[start : start + CHUNK], row[:] = quantize(part[start : start + CHUNK])
                progress.update(min(CHUNK, len(part) - start))
            np.save(index / f"scales-{number:05d}.npy", scales)


def read(index: Path, parts: Sequence[Array]) -> list[Codes]:
    """Map an index's codes, one for each of its files of vectors; UserError unless they fit."""
    found = list(map(Codes, mapped(index, "codes"), mapped(index, "scales")))
    if [one.codes.shape for one in found] != [part.shape for part in parts]:
        raise UserError(
            f"{index}: its codes-*.npy are not of its vectors-*.npy; "
            "delete the folder and let index_passages build it again"
        )
    return found


def quantize(vectors: Array) -> tuple[Array, Array]:
    """Return the codes of a chunk of vectors, and its scales."""
    values = to_float32(vectors)
    mean = values.mean(axis=0)
    values = values - mean
    unit = max(TINY, np.abs(values).max() / np.float32(127))
    codes = np.clip(np.rint(values / unit), -127, 127)
    longest, lost = unit * _longest(codes), _longest(values - unit * codes)
    reach = _longest(mean[None]) + longest + lost
    return codes.astype(np.int8), np.array([unit, lost, longest, reach, *mean])


def _longest(rows: Array) -> np.float32:
    return np.sqrt(np.vecdot(rows, rows).max())
