"""Vectors on disk: float16 arrays in one or several files, mapped and read block by block."""

import mmap
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.errors import UserError

Array = np.ndarray

MAX_MAPPED_BYTES = 128 * 2**20
"""Bytes of mapped vectors that may stay in memory."""


def create_array(path: Path, rows: int, dimensions: int, dtype: Any = np.float16) -> Array:
    """Return a new array on disk, [rows, dimensions]."""
    shape = (rows, dimensions)
    if not rows:  # nothing can be mapped
        with open(path, "wb") as file:
            np.save(file, np.zeros(shape, dtype=dtype))
        return np.zeros(shape, dtype=dtype)
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def to_float16(vectors: Array, encoder: str) -> Array:
    """Return vectors as float16; UserError if a value does not fit into it."""
    with np.errstate(over="ignore"):
        halves = vectors.astype(np.float16)
    if not np.isfinite(halves).all():
        raise UserError(
            f"encoder {encoder}: returns vectors with values that are not finite or above 65,504, "
            "which do not fit into float16; set normalize: true, or check the checkpoint"
        )
    return halves


def to_float32(vectors: Array) -> Array:
    """Return float16 vectors as float32."""
    held = np.empty(vectors.shape, dtype=np.float32)
    copy_as_float32(vectors, held)
    return held


def copy_as_float32(vectors: Array, held: Array) -> None:
    """Write float16 vectors into float32 ones; torch is many times faster at it."""
    if torch := sys.modules.get("torch"):
        torch.from_numpy(held).copy_(torch.from_numpy(vectors))
    else:
        held[:] = vectors


def vector_parts(index: Path) -> list[Array]:
    """Map the vectors of an index, which may lie in several files."""
    return map_arrays(index, "vectors")


def map_arrays(index: Path, name: str) -> list[Array]:
    """Map the arrays ``name-*.npy`` of an index in order (c: torch wants no "r")."""
    return [np.load(path, mmap_mode="c") for path in sorted(index.glob(f"{name}-*.npy"))]


def link_shards(shards: Sequence[Path], index: Path, total: int) -> None:
    """Put shards of vectors into an index in order, as hard links where the disk allows it."""
    for number, shard in enumerate(shards):
        path = index / f"vectors-{number:05d}.npy"
        try:
            os.link(shard, path)
        except OSError:
            shutil.copyfile(shard, path)
    found = sum(map(len, vector_parts(index)))
    if found != total:
        raise UserError(
            f"{shards[0]} and the other shards hold {found} vectors of {total} passages; "
            "delete them and let encode_passages make them again"
        )


def take_rows(parts: Sequence[Array], rows: Array) -> Array:
    """Return the vectors of ascending row numbers."""
    ends = np.cumsum([0, *map(len, parts)])
    cuts = np.searchsorted(rows, ends)
    spans = zip(parts, pairwise(cuts), ends[:-1], strict=True)
    return np.concatenate([part[rows[low:high] - first] for part, (low, high), first in spans])


def blocks(parts: Sequence[Array], rows: int, first: int = 0) -> Iterator[tuple[int, slice, Array]]:
    """Yield (number of the part, rows, vectors) in blocks of ``rows``, the first of ``first``."""
    read, size = 0, first or rows
    for number, mapped_part in enumerate(parts):
        part, start = mapped_part.view(np.ndarray), 0  # whose slices cost less
        while start < len(part):
            span = slice(start, min(start + size, len(part)))
            yield number, span, part[span]
            start, read, size = span.stop, read + part[span].nbytes, rows
            if read > MAX_MAPPED_BYTES:
                forget(parts)
                read = 0


def forget(parts: Sequence[Array]) -> None:
    """Drop mapped arrays from this process's memory; they are read from disk again if used."""
    for part in parts:
        if isinstance(part, np.memmap):
            part._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # no other way
