"""Products of codes, and the largest of each tile: some rows of a block for one question."""

from math import gcd
from typing import Any

import numpy as np

Array = np.ndarray

ROWS_PER_TILE, ROWS_READ_AHEAD = 16, 4_096
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


class Tiles:
    """The products of questions with a block of rows, in given int32 memory.

    ``products`` are [questions, rows of a tile, tiles], ``largest`` is [questions, tiles].
    """

    def __init__(self, memory: Array, questions: int, rows: int):
        import torch

        size, tile = questions * rows, gcd(rows, ROWS_PER_TILE)
        products = memory[:size].reshape(questions, rows)
        self.products = products.reshape(questions, tile, rows // tile)
        self.largest = memory[size : size + size // tile].reshape(questions, rows // tile)
        found = (products, self.products, self.largest)
        self.whole, self.by_tile, self.max_by_tile = map(torch.from_numpy, found)

    @staticmethod
    def needed_size(questions: int, rows: int) -> int:
        """Return how much memory of int32 such products need."""
        return questions * rows * (1 + gcd(rows, ROWS_PER_TILE)) // gcd(rows, ROWS_PER_TILE)

    def multiply(self, asked: Any, codes: Any, ahead: bool) -> None:
        """Multiply codes, int8 [questions, d] and [rows, d]; with ``ahead`` they are read first."""
        import torch

        if ahead:
            parts = [_multiply_read_ahead(asked, some) for some in codes.split(ROWS_READ_AHEAD)]
            torch.cat(parts, 1, out=self.whole)
        else:
            torch._int_mm(asked, codes.T, out=self.whole)
        torch.amax(self.by_tile, 1, out=self.max_by_tile)

    def reached_product(self, depth: int) -> Array:
        """Return for each question a value that at least ``depth`` of its products reach."""
        some = self.largest
        if some.shape[1] < depth:  # else one in as many tiles
            some = self.products.reshape(len(some), -1)
        if some.shape[1] < depth:
            return np.full(len(some), INT32_MIN, dtype=np.int32)
        place = some.shape[1] - depth
        return np.partition(some, place)[:, place]

    def pairs_reaching(self, low: Array) -> tuple[Array, Array, Array]:
        """Return (question, row, product) of those that reach each question's bound, by tile."""
        tiles, size = self.largest.shape[1], self.products.shape[1]
        question, tile = _divide(np.flatnonzero(self.largest >= low[:, None]), tiles)
        some = self.products[question, :, tile]
        reaching = np.flatnonzero(some >= low.take(question)[:, None])
        place, within = _divide(reaching, size)
        row = within * tiles + tile.take(place)
        return question.take(place), row, some.reshape(-1).take(reaching)


def floor_to_int32(bounds: Array) -> Array:
    """Round bounds down to int32, so that no integer product that reaches a bound is lost."""
    return np.clip(np.floor(bounds), INT32_MIN, INT32_MAX).astype(np.int32)


def _multiply_read_ahead(asked: Any, codes: Any) -> Any:
    """Read codes in order, then multiply: with few questions the product reads in a slow order."""
    import torch

    codes.view(-1)[: codes.numel() // 8 * 8].view(torch.int64).sum()
    return torch._int_mm(asked, codes.T)


def _divide(places: Array, size: int) -> tuple[Array, Array]:
    """Return quotients and remainders, faster than numpy's divmod."""
    quotients = places // size
    return quotients, places - quotients * size
