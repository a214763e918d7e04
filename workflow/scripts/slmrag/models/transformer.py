"""A transformer from a local folder: safetensors only, no code but the library's, all weights."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.errors import UserError
from slmrag.files import read_json
from slmrag.job import events
from slmrag.job.gpu_lock import unused_gpu_sentence
from slmrag.models import text_limits

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)
BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}


class Transformer:
    """A model and its tokenizer on one device; batches have texts of similar length."""

    def __init__(
        self, checkpoint: Path, auto: str, longest: int | None, hardware: Mapping[str, Any]
    ):
        import torch
        from transformers import AutoTokenizer

        os.environ["HF_HUB_OFFLINE"] = "1"
        if hardware.get("threads"):
            torch.set_num_threads(hardware["threads"])
        self.device = choose_device(hardware)
        asked = hardware.get("gpus_asked", hardware.get("gpus"))
        if asked and self.device == "cpu":
            raise UserError(
                f"gpus: {asked} is asked for, and the job sees no GPU; run it where there is "
                "one, or set gpus: 0 for the encoder to run on the CPU"
            )
        self.gpu_unused = self._warn_of_unused_gpu(hardware) if self.device == "cpu" else None
        self.model = load_model(checkpoint, auto, self.device)
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        except (ValueError, OSError) as error:
            raise UserError(f"{checkpoint}: its tokenizer cannot be loaded: {error}") from error
        positions = getattr(self.model.config, "max_position_embeddings", None)
        own = self.tokenizer.model_max_length
        self.limit = text_limits.token_limit(hardware.get("max_length"), longest, own, positions)
        assert self.limit.longest, "a transformer has one"
        self.longest, self.cut = self.limit.longest, 0
        self.tokens = (hardware.get("batch_size") or 0) * self.longest or BATCH_TOKENS[self.device]

    @staticmethod
    def _warn_of_unused_gpu(hardware: Mapping[str, Any]) -> str | None:
        """Warn that the machine's GPU is not used, and return the warning, if there is one."""
        import torch

        if hardware.get("gpus"):
            reason = f"torch {torch.__version__} sees none; install a build of torch for CUDA"
        else:
            more = "" if torch.version.cuda else "install a build of torch for CUDA and "
            reason = f"gpus is not set; {more}set gpus: 1"
        if sentence := unused_gpu_sentence(hardware, reason):
            logger.warning("the encoder's device: %s", sentence)
            events.emit("alert", name="gpu_unused", message=sentence)
        return sentence

    def facts(self, what: str, texts: int) -> dict[str, Any]:
        """Return how much was read of the ``texts`` so far, and which GPU was not used."""
        idle = {"gpu_unused": self.gpu_unused} if self.gpu_unused else {}
        return text_limits.reading_facts(what, texts, self.cut, self.limit) | idle

    def batches(
        self, texts: Sequence[str] | Sequence[tuple[str, str]]
    ) -> Iterator["tuple[list[int], torch.Tensor, torch.Tensor]"]:
        """Yield (rows of ``texts``, first output of the model, attention mask), long texts first.

        A pair of texts becomes two segments.
        """
        import torch

        ids = self.tokenizer(list(texts), truncation=True, max_length=self.longest)
        self.cut += self._count_cut(texts, ids)
        with torch.inference_mode():
            for rows in batch_rows([len(one) for one in ids["input_ids"]], self.tokens):
                some = {key: [value[row] for row in rows] for key, value in ids.items()}
                batch = self.tokenizer.pad(some, return_tensors="pt", padding_side="right")
                batch = batch.to(self.device)
                yield rows, self.model(**batch)[0].float(), batch["attention_mask"]

    def _count_cut(self, texts: Sequence[str] | Sequence[tuple[str, str]], ids: Any) -> int:
        """Return how many texts were cut; only texts as long as the limit are checked."""
        full = [row for row, one in enumerate(ids["input_ids"]) if len(one) >= self.longest]
        if full and ids.encodings:
            return sum(bool(ids.encodings[row].overflowing) for row in full)
        whole = self.tokenizer([texts[row] for row in full])["input_ids"] if full else []
        return sum(len(one) > self.longest for one in whole)


def choose_device(hardware: Mapping[str, Any]) -> str:
    """Return cuda if the job was given a GPU and sees it, else cpu."""
    if not hardware.get("gpus"):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def batch_rows(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Yield batches of rows, longest first: as many as fit into ``tokens`` with padding."""
    order = np.argsort(lengths, kind="stable")[::-1].tolist()
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def load_model(checkpoint: Path, auto: str, device: str) -> Any:
    """Return a checkpoint's model; UserError for code of its own or missing weights."""
    import torch
    import transformers
    from safetensors import SafetensorError

    if not (checkpoint / "config.json").is_file():
        raise UserError(f"{checkpoint}: has no config.json, so it is no checkpoint")
    config = read_json(checkpoint / "config.json")
    safe = bool(list(checkpoint.glob("*.safetensors")))
    if not safe and not list(checkpoint.glob("pytorch_model*.bin")):  # only if its entry allows it
        raise UserError(f"{checkpoint}: has no *.safetensors; delete it and download it again")
    architecture = getattr(transformers, _dpr_class(config) or auto)
    dtype = torch.float16 if device == "cuda" else torch.float32
    try:
        model, report = architecture.from_pretrained(
            checkpoint, dtype=dtype, use_safetensors=safe, output_loading_info=True
        )
    except (SafetensorError, UnpicklingError, EOFError, RuntimeError) as error:
        weights = "*.safetensors" if safe else "pytorch_model*.bin"
        raise UserError(
            f"{checkpoint}: its {weights} are damaged, of another model, or hold more than "
            "tensors; save the model again, as safetensors"
        ) from error
    except (ValueError, OSError) as error:
        reason = "it needs remote code, which is off" if "auto_map" in config else str(error)
        raise UserError(f"{checkpoint}: cannot be loaded: {reason}") from error
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:
        raise UserError(f"{checkpoint}: lacks {len(missing)} weights, such as {missing[0]}")
    return _token_encoder(model).to(device).eval()


def _dpr_class(config: Mapping[str, Any]) -> str | None:
    """Return DPR's class: both towers have one model type, which would load the wrong one."""
    names = config.get("architectures") or [""]
    return names[0] if names[0] in ("DPRContextEncoder", "DPRQuestionEncoder") else None


def _token_encoder(model: Any) -> Any:
    """Return the part of a DPR model that gives a state per token; other models as they are."""
    tower = getattr(model, "ctx_encoder", None) or getattr(model, "question_encoder", None)
    return tower.bert_model if tower is not None else model
