"""Products of questions and vectors in bytes, where the CPU has instructions for them (VNNI)."""

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np

from slmrag.retrievers.best import Best, Kept
from slmrag.retrievers.codes import CHUNK, TINY, Codes
from slmrag.retrievers.products import ROUNDING, scored
from slmrag.retrievers.vectors import forget

Array = np.ndarray

LEAST, LARGEST = -(2**31), 2**31 - 1
FEW, TILE = 8, 16
AHEAD, CACHED, KEPT = 4_096, 2**24, 2**29
"""Rows read ahead, bytes of codes that need none of it, and bytes that may stay in memory."""


def supported() -> bool:
    """Tell whether this CPU is one that sums products of bytes fast, and never saturates."""
    import torch

    return bool(torch.cpu.get_capabilities().get("avx512_vnni"))


class InBytes:
    """Multiply the codes of vectors with those of questions, q = step codes + rest.

    As x = mean + unit codes + rest, q·x is the product of the codes times step and unit, plus that
    of the mean, give or take |q| |rest of x| + |rest of q| |unit codes of x|.
    """

    def __init__(self, questions: Array, codes: Sequence[Codes]):
        import torch

        self.questions, self.chunk, self.mapped = questions, (-1, -1), [one.codes for one in codes]
        self.parts = [(torch.from_numpy(one.codes), np.asarray(one.scales)) for one in codes]
        self.lengths = np.sqrt(np.vecdot(questions, questions))
        self.step = np.maximum(TINY, np.abs(questions).max(axis=1) / np.float32(127))
        whole = np.clip(np.rint(questions / self.step[:, None]), -127, 127)
        rest = questions - self.step[:, None] * whole
        self.rest = np.sqrt(np.vecdot(rest, rest))
        self.codes = torch.from_numpy(whole.astype(np.int8))
        self.size = sum(one.codes.nbytes for one in codes)
        self.ahead = len(questions) < FEW and self.size > CACHED

    def __call__(self, part: int, span: slice, vectors: Array, best: Best) -> Kept:
        """Return (question, row, score) of a block's products that reach their threshold."""
        self._enter(part, span.start // CHUNK)
        tiles = self._tiles(self.parts[part][0][span])
        largest = tiles.amax(1).numpy()
        if np.isneginf(best.threshold[0]):
            return self._first(tiles.numpy(), largest, vectors, best.depth)
        question, row, _ = _reaching(tiles.numpy(), largest, self._low(best.threshold))
        return scored(self.questions, vectors, question, row)

    def _enter(self, part: int, chunk: int) -> None:
        """Take the scales of a chunk: what a product of codes stands for, and its error."""
        if self.chunk != (part, chunk):
            scales = self.parts[part][1][chunk]
            unit, lost, longest, reach = scales[:4].tolist()
            self.worth = self.step.astype(np.float64) * unit
            self.offset = (self.questions @ scales[4:]).astype(np.float64)
            self.error = 1.001 * (self.lengths * lost + self.rest * longest)
            self.error += (len(scales) + 8) * ROUNDING * reach * self.lengths  # of float32 itself
            self.chunk = part, chunk
            if self.size > KEPT:
                forget(self.mapped)

    def _tiles(self, codes: Any) -> Any:
        """Return the products of codes as a tensor [tiles, their rows, questions]."""
        import torch

        if self.ahead:
            products = torch.cat([self._read_ahead(some) for some in codes.split(AHEAD)])
        else:
            products = torch._int_mm(codes, self.codes.T)
        return products.view(-1, gcd(len(codes), TILE), len(self.codes))

    def _read_ahead(self, codes: Any) -> Any:
        """Multiply what was read in order just before: a product by few reads in a slow order."""
        import torch

        codes.view(-1)[: codes.numel() // 8 * 8].view(torch.int64).sum()
        return torch._int_mm(codes, self.codes.T)

    def _first(self, tiles: Array, largest: Array, vectors: Array, depth: int) -> Kept:
        """Score the likely best first, so that fewer of the others need to be scored."""
        enough = len(largest) >= depth
        likely = _reached(largest if enough else tiles.reshape(-1, len(self.codes)), depth)
        low = _whole(likely - 2 * self.error / self.worth)
        question, row, value = _reaching(tiles, largest, low)
        if len(self.codes) < FEW:
            return scored(self.questions, vectors, question, row)
        sure = value >= likely.take(question)
        kept = scored(self.questions, vectors, question[sure], row[sure])
        trial = Best(len(likely), depth)
        trial.offer(*kept)
        left = ~sure & (value >= self._low(trial.threshold).take(question))
        others = scored(self.questions, vectors, question[left], row[left])
        return tuple(map(np.concatenate, zip(kept, others, strict=True)))

    def _low(self, threshold: Array) -> Array:
        """Return the least product of codes whose score may reach each question's threshold."""
        return _whole((threshold - self.offset - self.error) / self.worth)


def _whole(values: Array) -> Array:
    return np.clip(np.floor(values), LEAST, LARGEST).astype(np.int32)


def _reached(largest: Array, depth: int) -> Array:
    """Return a product that at least ``depth`` of each question's reach: one in as many tiles."""
    if len(largest) < depth:
        return np.full(largest.shape[1], LEAST, dtype=np.int32)
    place = len(largest) - depth
    return np.partition(np.ascontiguousarray(largest.T), place)[:, place]


def _reaching(tiles: Array, largest: Array, low: Array) -> tuple[Array, Array, Array]:
    """Return (question, row, product) of those that reach each question's bound, by tile."""
    tile, question = np.divmod(np.flatnonzero(largest >= low), len(low))
    products = tiles[tile, :, question]
    place, within = np.divmod(np.flatnonzero(products >= low[question, None]), tiles.shape[1])
    return question[place], tile[place] * tiles.shape[1] + within, products[place, within]
