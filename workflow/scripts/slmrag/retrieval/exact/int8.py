"""Products of questions and vectors in bytes, where the CPU has instructions for them (VNNI)."""

from collections.abc import Iterator, Sequence

import numpy as np

from slmrag.indexing.int8_codes import CHUNK, TINY, Codes
from slmrag.indexing.vectors import forget
from slmrag.retrieval.exact.bounds import ROUNDING, SMALLEST, lengths
from slmrag.retrieval.exact.candidates import Chosen
from slmrag.retrieval.exact.running_top_k import RunningTopK
from slmrag.retrieval.exact.tiles import Tiles, floored

Array = np.ndarray

FEW, CACHED, MAPPED = 8, 2**24, 2**29
"""Below FEW questions codes above CACHED bytes are read in order first; above MAPPED bytes they are
forgotten chunk by chunk."""


def supported() -> bool:
    """Tell whether this CPU is one that sums products of bytes fast, and never saturates."""
    import torch

    return bool(torch.cpu.get_capabilities().get("avx512_vnni"))


class Int8Screen:
    """Multiply the codes of vectors with those of questions, q = step codes + rest.

    As x = mean + unit codes + rest, q·x is the product of the codes times step and unit, plus that
    of the mean, give or take |q| |rest of x| + |rest of q| |unit codes of x|.
    """

    def __init__(self, questions: Array, codes: Sequence[Codes]):
        import torch

        self.questions, self.chunk, self.mapped = questions, (-1, -1), [one.codes for one in codes]
        self.parts = [(torch.from_numpy(one.codes), np.asarray(one.scales)) for one in codes]
        self.lengths = lengths(questions)
        self.step = np.maximum(TINY, np.abs(questions).max(axis=1) / np.float32(127))
        asked = np.clip(np.rint(questions / self.step[:, None]), -127, 127)
        rest = questions - self.step[:, None] * asked
        self.rest = lengths(rest)
        self.codes = torch.from_numpy(asked.astype(np.int8))
        self.size = sum(one.codes.nbytes for one in codes)
        self.ahead = len(questions) < FEW and self.size > CACHED
        self.memory, self.tiles = np.empty(0, dtype=np.int32), dict[int, Tiles]()

    def __call__(
        self, part: int, span: slice, _vectors: Array, best: RunningTopK
    ) -> Iterator[Chosen]:
        """Yield those of a block's pairs that may reach their threshold, at first the likely.

        The block is of one chunk; either all questions have a threshold or none has.
        """
        assert span.start // CHUNK == (span.stop - 1) // CHUNK
        self._enter(part, span.start // CHUNK)
        tiles, likely = self._tiles(span.stop - span.start), None
        tiles.multiply(self.codes, self.parts[part][0][span], self.ahead)
        if best.threshold[0] == -np.inf:
            likely = tiles.reached(best.depth)
            yield self._chosen(span, *tiles.reaching(likely))
        low = floored(best.threshold / self.worth - self.margin)
        question, row, product = tiles.reaching(low)
        if likely is not None:
            new = product < likely.take(question)
            question, row, product = question[new], row[new], product[new]
        yield self._chosen(span, question, row, product)

    def _tiles(self, rows: int) -> Tiles:
        """Return the place of the products of so many rows: new memory costs as much time again."""
        if Tiles.needed(len(self.codes), rows) > len(self.memory):
            self.memory, self.tiles = np.empty(Tiles.needed(len(self.codes), rows), np.int32), {}
        if rows not in self.tiles:
            self.tiles[rows] = Tiles(self.memory, len(self.codes), rows)
        return self.tiles[rows]

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
            rounding = (len(scales) + 8) * ROUNDING * reach * self.lengths  # of float32 itself
            self.error += rounding + len(scales) * SMALLEST
            self.margin = (self.offset + self.error) / self.worth
            self.chunk = part, chunk
            if self.size > MAPPED:
                forget(self.mapped)
