"""Exact search over vectors: all products are estimated, the best computed; ties by lower row."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec

import numpy as np

from slmrag.indexing.int8_codes import ROWS_PER_CHUNK, Codes
from slmrag.indexing.vectors import blocks
from slmrag.job.progress import bar
from slmrag.retrieval.exact.bounds import Screen, cpu_screen, gpu_screen
from slmrag.retrieval.exact.candidates import Candidates
from slmrag.retrieval.exact.int8 import Int8Screen, is_supported

Array = np.ndarray

QUESTIONS_AT_ONCE, HITS_AT_ONCE = 2_048, 2**18
"""Questions that are searched at once, and hits that they want: both bound the memory."""

GPU_BLOCK_ROWS = 131_072
PAIRS_PER_BLOCK = 2**20
MIN_PAIRS_FOR_TORCH = MIN_PAIRS_FOR_BAR = 2**28


def search(
    parts: Sequence[Array],
    questions: Array,
    depth: int,
    device: str = "cpu",
    codes: Sequence[Codes] = (),
) -> list[tuple[Array, Array]]:
    """Return each question's best rows by inner product and their scores, best first.

    ``parts`` are float16 arrays with continuous row numbers, ``codes`` the same vectors as int8.
    """
    firsts = np.cumsum([0, *map(len, parts)])
    total, found = int(firsts[-1]), []
    asked, work = np.ascontiguousarray(questions, dtype=np.float32), len(questions) * total
    choosing = choose_screen(device, codes, work)
    with bar(
        total=work, desc="search", unit_scale=True, shown=work >= MIN_PAIRS_FOR_BAR
    ) as progress:
        together = max(1, min(QUESTIONS_AT_ONCE, HITS_AT_ONCE // depth))
        for start in range(0, len(asked), together):
            some = asked[start : start + together]
            choose, among = choosing(some), Candidates(some, parts, min(depth, total))
            for part, span, block in blocks(parts, *block_rows(len(some), device)):
                for chosen in choose(part, span, block, among.best):
                    among.add(chosen._replace(row=chosen.row + firsts[part]))
                progress.update(len(some) * len(block))
            found += among.ranked()
    return found


def block_rows(questions: int, device: str) -> tuple[int, int]:
    """Return the rows of a block for so many questions, and the rows of the first block.

    They are powers of two up to a chunk of codes, so that no block lies in two chunks. The first
    block is twice as large, because it finds the thresholds.
    """
    if device == "cuda":
        return GPU_BLOCK_ROWS, GPU_BLOCK_ROWS
    fitting = 2 ** ((PAIRS_PER_BLOCK // questions).bit_length() - 1)
    return min(ROWS_PER_CHUNK, fitting), min(ROWS_PER_CHUNK, 2 * fitting)


def choose_screen(device: str, codes: Sequence[Codes], pairs: int) -> Callable[[Array], Screen]:
    """Return the fastest screen for a device and so many products."""
    if device == "cuda":
        return gpu_screen
    wide = bool(codes) and codes[0].codes.shape[1] > 1  # torch multiplies single columns wrongly
    if wide and _is_torch_ready(pairs) and is_supported():
        return partial(Int8Screen, codes=codes)
    return cpu_screen


def _is_torch_ready(pairs: int) -> bool:
    """Tell whether torch is loaded, or is installed and worth loading for so many products."""
    if "torch" in sys.modules:
        return True
    return pairs >= MIN_PAIRS_FOR_TORCH and find_spec("torch") is not None
