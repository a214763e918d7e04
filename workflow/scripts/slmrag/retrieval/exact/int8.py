"""The screen that multiplies int8 codes, for CPUs with instructions for them (VNNI)."""

from collections.abc import Iterator, Sequence

import numpy as np

from slmrag.indexing.int8_codes import MIN_UNIT, ROWS_PER_CHUNK, Codes
from slmrag.indexing.vectors import forget
from slmrag.retrieval.exact.bounds import ROUNDING_ERROR, UNDERFLOW_ERROR, lengths
from slmrag.retrieval.exact.candidates import PossibleHits
from slmrag.retrieval.exact.running_top_k import RunningTopK
from slmrag.retrieval.exact.tiles import Tiles, floor_to_int32

Array = np.ndarray

FEW_QUESTIONS, CACHED_BYTES, MAPPED_BYTES = 8, 2**24, 2**29
"""For fewer than FEW_QUESTIONS, codes above CACHED_BYTES are read in order first; codes above
MAPPED_BYTES leave memory chunk by chunk."""


def is_supported() -> bool:
    """Tell whether this CPU sums products of int8 fast and without saturation."""
    import torch

    return bool(torch.cpu.get_capabilities().get("avx512_vnni"))


class Int8Screen:
    """Multiplies the codes of vectors with those of questions, q = step codes + rest.

    As x = mean + unit codes + rest, q·x is the product of the codes times step and unit, plus that
    of the mean, give or take |q| |rest of x| + |rest of q| |unit codes of x|.
    """

    def __init__(self, questions: Array, codes: Sequence[Codes]):
        import torch

        self.questions, self.chunk, self.mapped = questions, (-1, -1), [one.codes for one in codes]
        self.parts = [(torch.from_numpy(one.codes), np.asarray(one.scales)) for one in codes]
        self.lengths = lengths(questions)
        self.step = np.maximum(MIN_UNIT, np.abs(questions).max(axis=1) / np.float32(127))
        rounded = np.clip(np.rint(questions / self.step[:, None]), -127, 127)
        rest = questions - self.step[:, None] * rounded
        self.rest = lengths(rest)
        self.codes = torch.from_numpy(rounded.astype(np.int8))
        self.size = sum(one.codes.nbytes for one in codes)
        self.ahead = len(questions) < FEW_QUESTIONS and self.size > CACHED_BYTES
        self.memory, self.tiles = np.empty(0, dtype=np.int32), dict[int, Tiles]()

    def __call__(
        self, part: int, span: slice, _vectors: Array, best: RunningTopK
    ) -> Iterator[PossibleHits]:
        """Yield the pairs of a block that may reach their threshold, likely hits first.

        The block is of one chunk; either all questions have a threshold or none has.
        """
        assert span.start // ROWS_PER_CHUNK == (span.stop - 1) // ROWS_PER_CHUNK
        self._enter_chunk(part, span.start // ROWS_PER_CHUNK)
        tiles, likely = self._tiles(span.stop - span.start), None
        tiles.multiply(self.codes, self.parts[part][0][span], self.ahead)
        if best.threshold[0] == -np.inf:
            likely = tiles.reached_product(best.depth)
            yield self._possible_hits(span, *tiles.pairs_reaching(likely))
        low = floor_to_int32(best.threshold / self.worth - self.margin)
        question, row, product = tiles.pairs_reaching(low)
        if likely is not None:
            new = product < likely.take(question)
            question, row, product = question[new], row[new], product[new]
        yield self._possible_hits(span, question, row, product)

    def _tiles(self, rows: int) -> Tiles:
        """Return memory for the products of so many rows, reused because new memory is slow."""
        if Tiles.needed_size(len(self.codes), rows) > len(self.memory):
            self.memory, self.tiles = (
                np.empty(Tiles.needed_size(len(self.codes), rows), np.int32),
                {},
            )
        if rows not in self.tiles:
            self.tiles[rows] = Tiles(self.memory, len(self.codes), rows)
        return self.tiles[rows]

    def _possible_hits(
        self, span: slice, question: Array, row: Array, product: Array
    ) -> PossibleHits:
        estimate = product * self.worth.take(question) + self.offset.take(question)
        upper_bound = estimate + self.error.take(question)
        return PossibleHits(question, row + span.start, estimate, upper_bound)

    def _enter_chunk(self, part: int, chunk: int) -> None:
        """Read the scales of a chunk: what a product of codes is worth, and its error."""
        if self.chunk != (part, chunk):
            scales = self.parts[part][1][chunk]
            unit, lost, longest, reach = scales[:4].tolist()
            self.worth = self.step.astype(np.float64) * unit
            self.offset = (self.questions @ scales[4:]).astype(np.float64)
            self.error = 1.001 * (self.lengths * lost + self.rest * longest)
            rounding = (
                (len(scales) + 8) * ROUNDING_ERROR * reach * self.lengths
            )  # of float32 itself
            self.error += rounding + len(scales) * UNDERFLOW_ERROR
            self.margin = (self.offset + self.error) / self.worth
            self.chunk = part, chunk
            if self.size > MAPPED_BYTES:
                forget(self.mapped)
