"""Products of questions and vectors in bytes, where the CPU has instructions for them (VNNI)."""

from typing import Any

import numpy as np

from slmrag.retrievers.products import Kept, plain, reaching, scored, slack, widened

Array = np.ndarray

TINY, LARGEST = 1e-30, 2**31 - 1


class InBytes:
    """Multiply in whole numbers from -127 to 127, around the mean of the first vectors.

    With x = mean + unit codes + rest, and likewise q = step codes + rest, the product is that of
    the mean, plus that of the codes, give or take |q| |rest of x| + |rest of q| |unit codes of x|.
    """

    def __init__(self, questions: Array):
        import torch

        self.questions, self.first = questions, plain(questions)
        asked = torch.from_numpy(questions)
        self.lengths = asked.double().norm(dim=1)
        step = asked.abs().amax(1, keepdim=True).clamp_min_(TINY) / 127
        self.codes, _, rest = _coded(asked / step)
        self.step, self.rest = step[:, 0].double(), rest * step[:, 0].double()

    def __call__(self, vectors: Array, threshold: Array, depth: int) -> Kept:
        """Return (question, row, score) of a block's products that reach their threshold."""
        import torch

        if np.isneginf(threshold[0]):
            self._centre(widened(vectors))
            return self.first(vectors, threshold, depth)
        wide = widened(vectors)
        codes, longest, lost = _coded((torch.from_numpy(wide) - self.mean).div_(self.unit))
        longest, lost = (float(part.max()) * self.unit for part in (longest, lost))
        error = 1.001 * (self.lengths * lost + self.rest * (longest + lost))
        error += self.lengths * 8 * float(slack(vectors))
        low = (torch.from_numpy(threshold) - self.offset - error) / (self.step * self.unit)
        low = low.floor().clamp(-LARGEST, LARGEST).int().numpy()
        products = torch._int_mm(self.codes, codes.T).numpy()
        return scored(self.questions, wide, *reaching(products, low))

    def _centre(self, vectors: Array) -> None:
        import torch

        some = torch.from_numpy(vectors)
        self.mean = some.mean(0)
        self.unit = max(TINY, float((some - self.mean).abs().max()) / 127)
        self.offset = torch.from_numpy(self.questions).double() @ self.mean.double()


def _coded(values: Any) -> tuple[Any, Any, Any]:
    """Return values as bytes, the length of each row, and of what it loses by them."""
    import torch

    lengths = torch.linalg.vector_norm(values, dim=1)
    codes = values.round().clamp_(-127, 127)
    lost = torch.linalg.vector_norm(values.sub_(codes), dim=1)
    return codes.to(torch.int8), lengths, lost
