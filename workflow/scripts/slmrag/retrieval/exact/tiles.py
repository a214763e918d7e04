"""Products of codes, and the largest of each tile: a few rows of a block for one question."""

from math import gcd
from typing import Any

import numpy as np

Array = np.ndarray

TILE, AHEAD = 16, 4_096
LEAST, LARGEST = -(2**31), 2**31 - 1


class Tiles:
    """The products of questions and of a block of so many rows, made in memory of int32.

    ``products`` are [questions, rows of a tile, tiles], ``largest`` is [questions, tiles].
    """

    def __init__(self, memory: Array, questions: int, rows: int):
        import torch

        size, tile = questions * rows, gcd(rows, TILE)
        products = memory[:size].reshape(questions, rows)
        self.products = products.reshape(questions, tile, rows // tile)
        self.largest = memory[size : size + size // tile].reshape(questions, rows // tile)
        found = (products, self.products, self.largest)
        self.whole, self.by_tile, self.tops = map(torch.from_numpy, found)

    @staticmethod
    def needed(questions: int, rows: int) -> int:
        """Return how much memory of int32 such products need."""
        return questions * rows * (1 + gcd(rows, TILE)) // gcd(rows, TILE)

    def multiply(self, asked: Any, codes: Any, ahead: bool) -> None:
        """Multiply codes, int8 [questions, d] and [rows, d], which may be read ahead."""
        import torch

        if ahead:
            parts = [_read_ahead(asked, some) for some in codes.split(AHEAD)]
            torch.cat(parts, 1, out=self.whole)
        else:
            torch._int_mm(asked, codes.T, out=self.whole)
        torch.amax(self.by_tile, 1, out=self.tops)

    def reached(self, depth: int) -> Array:
        """Return a product that at least ``depth`` of each question's reach."""
        some = self.largest
        if some.shape[1] < depth:  # else one in as many tiles
            some = self.products.reshape(len(some), -1)
        if some.shape[1] < depth:
            return np.full(len(some), LEAST, dtype=np.int32)
        place = some.shape[1] - depth
        return np.partition(some, place)[:, place]

    def reaching(self, low: Array) -> tuple[Array, Array, Array]:
        """Return (question, row, product) of those that reach each question's bound, by tile."""
        tiles, size = self.largest.shape[1], self.products.shape[1]
        question, tile = _parted(np.flatnonzero(self.largest >= low[:, None]), tiles)
        some = self.products[question, :, tile]
        reaching = np.flatnonzero(some >= low.take(question)[:, None])
        place, within = _parted(reaching, size)
        row = within * tiles + tile.take(place)
        return question.take(place), row, some.reshape(-1).take(reaching)


def floored(bounds: Array) -> Array:
    """Round bounds down to int32: no integer product that reaches a bound is lost."""
    return np.clip(np.floor(bounds), LEAST, LARGEST).astype(np.int32)


def _read_ahead(asked: Any, codes: Any) -> Any:
    """Multiply what was read in order just before: a product by few reads in a slow order."""
    import torch

    codes.view(-1)[: codes.numel() // 8 * 8].view(torch.int64).sum()
    return torch._int_mm(asked, codes.T)


def _parted(places: Array, size: int) -> tuple[Array, Array]:
    """Return quotients and remainders; divmod has no fast way for one divisor."""
    quotients = places // size
    return quotients, places - quotients * size
