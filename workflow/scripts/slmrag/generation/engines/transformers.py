"""Transformers' generate over batches of prompts of similar length, where vLLM does not run."""

import itertools
import logging
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from slmrag.errors import UserError
from slmrag.generation.answer_extraction import cut_at_stop
from slmrag.generation.engines import base
from slmrag.generation.engines.error_advice import advice_on
from slmrag.generation.engines.parallelism import Split
from slmrag.generation.engines.transformers_load import load_model
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.lora_adapter import check_adapter

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)
CUDA_BUILD_ADVICE = "install a build of torch for CUDA"
NO_GPU_ADVICE = "the job was given none", "set gpus: 1"
BATCH_SIZE = 8
BATCHES_PER_POOL = 16
ARGUMENT_NAMES = {"min_tokens": "min_new_tokens"}
KEPT_TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


class Engine(base.Engine):
    """Static batches, left-padded; a pool of batches at a time is sorted by length.

    Options: ``batch_invariant`` (a batch is one prompt, so that no other changes its answer); any
    other is an argument of ``from_pretrained``.
    """

    REVISION = 2

    @staticmethod
    def version() -> str:
        """Return the version of Transformers."""
        return base.installed_version("transformers")

    @classmethod
    def split(cls, config: base.EngineConfig) -> Split:
        """Return a copy a GPU: this engine holds a model on one device."""
        if int(config.hardware.get("tensor_parallel") or 1) > 1:
            raise UserError(
                "tensor_parallel: engine: transformers holds a model on one GPU; remove the key, "
                "or set engine: vllm"
            )
        return Split(1, int(config.hardware.get("data_parallel") or max(1, config.gpus)))

    def __enter__(self) -> Self:
        """Load the model on the GPU if the job has one, else on the CPU."""
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        checkpoint = Checkpoint(self.config.folder)
        _ = checkpoint.tensors  # fails at once where files are missing or truncated
        if self.config.adapter:
            check_adapter(self.config.adapter, checkpoint)
        began = time.perf_counter()
        import torch
        from transformers import AutoTokenizer

        imported = time.perf_counter()
        torch.set_num_threads(self.config.threads)
        self._device = "cuda" if self.config.gpus and torch.cuda.is_available() else "cpu"
        if self._device == "cpu":
            given = f"torch {torch.__version__} sees none", CUDA_BUILD_ADVICE
            self.config.accept_cpu(*given if self.config.gpus else NO_GPU_ADVICE)
        if self._device == "cpu" and self.config.gpus and not self.config.gpu_unused:
            logger.warning("torch sees no GPU: the model runs on the CPU")
        try:
            self._model = load_model(self.config, self._device)
            self._tokenizer = AutoTokenizer.from_pretrained(self.config.checkpoint)
            own, end = self._model.generation_config, self._tokenizer.eos_token_id
            self._model.generation_config = keep_ids_only(own, end)
        except Exception as error:
            raise advice_on(error) or error from error
        loaded = time.perf_counter()
        self.start_seconds = {"import": imported - began, "weights": loaded - imported}
        return self

    def answers(self, requests: Iterator[base.Request]) -> base.Answers:
        """Generate batch by batch; a batch's answers come together."""
        size = int(self.config.hardware.get("max_num_seqs") or BATCH_SIZE)
        size = 1 if self.config.options.get("batch_invariant") else size
        while pool := list(itertools.islice(requests, size * BATCHES_PER_POOL)):
            pool.sort(key=lambda request: len(request.tokens or ()))
            for start in range(0, len(pool), size):
                yield self._generate_or_advise(pool[start : start + size])

    def _generate_or_advise(self, batch: Sequence[base.Request]) -> list[base.Completion]:
        try:
            return self._generate(batch)
        except Exception as error:
            raise advice_on(error) or error from error

    def _generate(self, batch: Sequence[base.Request]) -> list[base.Completion]:
        import torch

        began = time.monotonic()
        ids, mask = self._pad_batch(batch)
        steps: list[float] = []
        with torch.inference_mode():
            made = self._model.generate(
                ids,
                attention_mask=mask,
                stopping_criteria=[_token_clock(steps)],
                **self._generate_arguments(),
            )
        ended = time.monotonic()
        times = steps[0] - began, ended - began, ended
        rows = zip(batch, made[:, ids.shape[1] :].tolist(), strict=True)
        return [self._completion(request, row, times) for request, row in rows]

    def _pad_batch(self, batch: Sequence[base.Request]) -> "tuple[torch.Tensor, torch.Tensor]":
        import torch

        rows = [list(request.tokens or ()) for request in batch]
        width = max(map(len, rows))
        ids = [[self._pad_id] * (width - len(row)) + row for row in rows]
        mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
        return torch.tensor(ids, device=self._device), torch.tensor(mask, device=self._device)

    @property
    def _end_ids(self) -> list[int]:
        return self._model.generation_config.eos_token_id or []

    @property
    def _pad_id(self) -> int:
        return (self._end_ids or [0])[0]

    def _generate_arguments(self) -> dict[str, Any]:
        import torch

        wanted = self.config.sampling
        chosen: dict[str, Any] = {"max_new_tokens": wanted.max_tokens, "pad_token_id": self._pad_id}
        asked = {
            ARGUMENT_NAMES.get(key, key): value for key, value in wanted.optional_keys().items()
        }
        if wanted.stop:
            chosen |= {"stop_strings": list(wanted.stop), "tokenizer": self._tokenizer}
        if wanted.temperature > 0:
            torch.manual_seed(wanted.seed)
            return {
                **chosen,
                "do_sample": True,
                "temperature": wanted.temperature,
                "top_p": wanted.top_p,
                "top_k": 0,
                **asked,
            }
        return {**chosen, "do_sample": False, **asked}

    def _completion(
        self, request: base.Request, row: list[int], times: tuple[float, float, float]
    ) -> base.Completion:
        end = next((at for at, token in enumerate(row) if token in self._end_ids), None)
        tokens = row if end is None else row[: end + 1]
        # An end need not be a special token; vLLM leaves it out as well.
        dropped = self.config.dropped_tokens
        decoded = self._tokenizer.decode(row[:end], skip_special_tokens=dropped is None)
        text = base.without_tokens(str(decoded), dropped)
        text = text.rstrip("\ufffd")  # the beginning of a character; vLLM leaves it out as well
        text, stopped = cut_at_stop(text, self.config.sampling.stop)
        full = len(tokens) >= self.config.sampling.max_tokens
        reason = "length" if full and end is None and not stopped else "stop"
        return base.Completion(
            request.digest, text, len(request.tokens or ()), len(tokens), reason, *times
        )

    def about(self) -> dict[str, Any]:
        """Return the device and the size of the model."""
        return {
            "device": self._device,
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "quantization": str(getattr(self._model, "quantization_method", None) or "") or None,
            "gpu_unused": self.config.gpu_unused,
        }


def keep_ids_only(own: Any, end: int | None) -> Any:
    """Return a checkpoint's generation config without all that would change the sampling.

    An answer ends at its eos ids and at ``end``, the tokenizer's, as in vLLM. ``generate`` fills
    unset values from the model's own config, so this one replaces it.
    """
    from transformers import GenerationConfig

    ids = own.eos_token_id if isinstance(own.eos_token_id, list) else [own.eos_token_id]
    ends = [one for one in dict.fromkeys([*ids, end]) if one is not None]
    kept = {key: getattr(own, key, None) for key in KEPT_TOKEN_IDS}
    return GenerationConfig(**kept | {"eos_token_id": ends or None})


def _token_clock(steps: list[float]) -> Any:
    """Return a stopping criterion that never stops but notes when each token was generated."""
    import torch

    def note(ids: "torch.Tensor", scores: Any, **_: Any) -> "torch.Tensor":
        steps.append(time.monotonic())
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

    return note
