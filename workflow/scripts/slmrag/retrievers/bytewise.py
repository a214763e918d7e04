"""Products of questions and vectors in bytes, where the CPU has instructions for them (VNNI)."""

from collections.abc import Iterator, Sequence
from math import gcd
from typing import Any

import numpy as np

from slmrag.retrievers.best import Best
from slmrag.retrievers.candidates import Chosen
from slmrag.retrievers.codes import CHUNK, TINY, Codes
from slmrag.retrievers.products import ROUNDING
from slmrag.retrievers.vectors import forget

Array = np.ndarray

LEAST, LARGEST = -(2**31), 2**31 - 1
TILE = 16
FEW, AHEAD = 8, 4_096
CACHED, KEPT = 2**24, 2**29
"""Bytes of codes that need not be read ahead, and that may stay in memory."""


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
        self.products = self.largest = np.empty(0, dtype=np.int32)

    def __call__(self, part: int, span: slice, _vectors: Array, best: Best) -> Iterator[Chosen]:
        """Yield those of a block's pairs that may reach their threshold, at first the likely."""
        self._enter(part, span.start // CHUNK)
        products, largest = self._multiply(self.parts[part][0][span])
        likely = None
        if np.isneginf(best.threshold[0]):
            likely = _reached(products, largest, best.depth)
            yield self._chosen(span, *_reaching(products, largest, likely))
        low = _whole((best.threshold - self.error - self.offset) / self.worth)
        question, row, product = _reaching(products, largest, low)
        if likely is not None:
            new = product < likely.take(question)
            question, row, product = question[new], row[new], product[new]
        yield self._chosen(span, question, row, product)

    def _chosen(self, span: slice, question: Array, row: Array, product: Array) -> Chosen:
        estimate = product * self.worth.take(question) + self.offset.take(question)
        most = estimate + self.error.take(question)
        return Chosen(question, row + span.start, estimate, most)

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

    def _multiply(self, codes: Any) -> tuple[Array, Array]:
        """Return products [questions, rows of a tile, tiles], and the largest of each tile.

        Both are written where those of the block before were: new memory costs as much time again.
        """
        import torch

        count, tile = len(self.codes) * len(codes), gcd(len(codes), TILE)
        if count > len(self.products):
            self.products, self.largest = (np.empty(count, dtype=np.int32) for _ in range(2))
        products = torch.from_numpy(self.products[:count]).view(len(self.codes), len(codes))
        largest = torch.from_numpy(self.largest[: count // tile]).view(len(self.codes), -1)
        if self.ahead:
            torch.cat([self._read_ahead(some) for some in codes.split(AHEAD)], 1, out=products)
        else:
            torch._int_mm(self.codes, codes.T, out=products)
        tiles = products.view(len(self.codes), tile, -1)
        torch.amax(tiles, 1, out=largest)
        return tiles.numpy(), largest.numpy()

    def _read_ahead(self, codes: Any) -> Any:
        """Multiply what was read in order just before: a product by few reads in a slow order."""
        import torch

        codes.view(-1)[: codes.numel() // 8 * 8].view(torch.int64).sum()
        return torch._int_mm(self.codes, codes.T)


def _whole(products: Array) -> Array:
    return np.clip(np.floor(products), LEAST, LARGEST).astype(np.int32)


def _reached(products: Array, largest: Array, depth: int) -> Array:
    """Return a product that at least ``depth`` of each question's reach: one in as many tiles."""
    some = largest if largest.shape[1] >= depth else products.reshape(len(products), -1)
    if some.shape[1] < depth:
        return np.full(len(some), LEAST, dtype=np.int32)
    place = some.shape[1] - depth
    return np.partition(some, place)[:, place]


def _reaching(products: Array, largest: Array, low: Array) -> tuple[Array, Array, Array]:
    """Return (question, row, product) of those that reach each question's bound, by tile."""
    question, tile = np.divmod(np.flatnonzero(largest >= low[:, None]), largest.shape[1])
    some = products[question, :, tile]
    reaching = np.flatnonzero(some >= low[question, None])
    place, within = np.divmod(reaching, some.shape[1])
    return question[place], within * largest.shape[1] + tile[place], some.reshape(-1)[reaching]
