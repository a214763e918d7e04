"""Int8 codes of vectors, made when an index is built: exact search reads them first.

Each chunk of vectors x has its own mean, unit and codes, x = mean + unit codes + rest, and the
lengths of its longest rest and longest unit codes: they bound the error of a product of codes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from slmrag.errors import UserError
from slmrag.indexing.vectors import create_array, map_arrays, to_float32
from slmrag.job.progress import bar

Array = np.ndarray

ROWS_PER_CHUNK = 16_384
MIN_UNIT = np.float32(1e-30)


class Codes(NamedTuple):
    """The codes of a file of vectors: int8 [rows, d], and their scales, float32 [chunks, 4 + d].

    A chunk's scales are its unit, the largest lengths of rest, unit codes and vector, and its mean.
    """

    codes: Array
    scales: Array


def write_codes(parts: Sequence[Array], index: Path) -> None:
    """Write ``codes-*.npy`` and ``scales-*.npy`` beside an index's vectors, chunk by chunk."""
    with bar(total=sum(map(len, parts)), desc="vectors to int8", unit="vector") as progress:
        for number, part in enumerate(parts):
            rows, dimensions = part.shape
            codes = create_array(index / f"codes-{number:05d}.npy", rows, dimensions, np.int8)
            scales = np.zeros(
                (-(-len(part) // ROWS_PER_CHUNK), 4 + part.shape[1]), dtype=np.float32
            )
            for row, start in zip(scales, range(0, len(part), ROWS_PER_CHUNK), strict=True):
                codes[start : start + ROWS_PER_CHUNK], row[:] = quantize(
                    part[start : start + ROWS_PER_CHUNK]
                )
                progress.update(min(ROWS_PER_CHUNK, len(part) - start))
            np.save(index / f"scales-{number:05d}.npy", scales)


def read_codes(index: Path, parts: Sequence[Array]) -> list[Codes]:
    """Map an index's codes, one for each file of vectors; UserError unless their shapes fit."""
    found = list(map(Codes, map_arrays(index, "codes"), map_arrays(index, "scales")))
    if [one.codes.shape for one in found] != [part.shape for part in parts]:
        raise UserError(
            f"{index}: its codes-*.npy do not fit its vectors-*.npy; "
            "delete the folder and let index_passages build it again"
        )
    return found


def quantize(vectors: Array) -> tuple[Array, Array]:
    """Return the codes of a chunk of vectors, and its scales."""
    values = to_float32(vectors)
    mean = values.mean(axis=0)
    values = values - mean
    unit = max(MIN_UNIT, np.abs(values).max() / np.float32(127))
    codes = np.clip(np.rint(values / unit), -127, 127)
    longest, lost = unit * _max_length(codes), _max_length(values - unit * codes)
    reach = _max_length(mean[None]) + longest + lost
    return codes.astype(np.int8), np.array([unit, lost, longest, reach, *mean])


def _max_length(rows: Array) -> np.float32:
    return np.sqrt(np.vecdot(rows, rows).max())
