"""Exact search over vectors: every product is bounded, the best are computed; ties by lower row."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec

import numpy as np

from slmrag.indexing.int8_codes import CHUNK, Codes
from slmrag.indexing.vectors import blocks
from slmrag.job.progress import bar
from slmrag.retrieval.exact.bounds import Screen, on_gpu, plain
from slmrag.retrieval.exact.candidates import Candidates
from slmrag.retrieval.exact.int8 import Int8Screen, supported

Array = np.ndarray

QUESTIONS, WANTED = 2_048, 2**18
"""Questions that are searched at once, and hits that they want: so much is held in memory."""

GPU_BLOCK_ROWS = 131_072
PAIRS_PER_BLOCK = 2**20
WORTH_TORCH = WORTH_A_BAR = 2**28


def search(
    parts: Sequence[Array],
    questions: Array,
    depth: int,
    device: str = "cpu",
    codes: Sequence[Codes] = (),
) -> list[tuple[Array, Array]]:
    """Return each question's best rows by inner product and their scores, best first.

    ``parts`` are float16 arrays whose rows are numbered through, ``codes`` the same in bytes.
    """
    firsts = np.cumsum([0, *map(len, parts)])
    total, found = int(firsts[-1]), []
    asked, work = np.ascontiguousarray(questions, dtype=np.float32), len(questions) * total
    choosing = screen(device, codes, work)
    with bar(total=work, desc="search", unit_scale=True, shown=work >= WORTH_A_BAR) as progress:
        together = max(1, min(QUESTIONS, WANTED // depth))
        for start in range(0, len(asked), together):
            some = asked[start : start + together]
            choose, among = choosing(some), Candidates(some, parts, min(depth, total))
            for part, span, block in blocks(parts, *rows(len(some), device)):
                for chosen in choose(part, span, block, among.best):
                    among.take(chosen._replace(row=chosen.row + firsts[part]))
                progress.update(len(some) * len(block))
            found += among.ranked()
    return found


def rows(questions: int, device: str) -> tuple[int, int]:
    """Return how many rows a block has for so many questions, and how many the first has.

    Powers of two up to a chunk of codes, so that no block lies in two; the first is twice as large,
    for it finds the thresholds.
    """
    if device == "cuda":
        return GPU_BLOCK_ROWS, GPU_BLOCK_ROWS
    fitting = 2 ** ((PAIRS_PER_BLOCK // questions).bit_length() - 1)
    return min(CHUNK, fitting), min(CHUNK, 2 * fitting)


def screen(device: str, codes: Sequence[Codes], pairs: int) -> Callable[[Array], Screen]:
    """Return the fastest way on a device to choose among so many products."""
    if device == "cuda":
        return on_gpu
    wide = bool(codes) and codes[0].codes.shape[1] > 1  # torch multiplies single columns wrongly
    if wide and _torch_for(pairs) and supported():
        return partial(Int8Screen, codes=codes)
    return plain


def _torch_for(pairs: int) -> bool:
    """Tell whether torch is loaded, or is here and worth loading for so many products."""
    if "torch" in sys.modules:
        return True
    return pairs >= WORTH_TORCH and find_spec("torch") is not None
