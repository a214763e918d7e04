"""How a job's GPUs are divided: among replicas of the model, or one replica over several."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from slmrag.errors import UserError
from slmrag.models.checkpoint import Checkpoint


class Split(NamedTuple):
    """``replicas`` engines, each over ``tensor`` GPUs."""

    tensor: int = 1
    replicas: int = 1


def choose_split(
    hardware: Mapping[str, Any], checkpoint: Checkpoint | None, gpus_for_weights: int = 1
) -> Split:
    """Choose by the GPUs and the model's attention heads; a replica needs ``gpus_for_weights``.

    One replica per GPU is fastest for a small model; a replica is split only where it does not
    fit. Nine heads on two GPUs are two replicas either way: nine heads cannot be halved.
    """
    gpus = int(hardware.get("gpus") or 0)
    tensor = hardware.get("tensor_parallel")
    replicas = hardware.get("data_parallel")
    if tensor is None:
        at_most = gpus // (replicas or 1)
        tensor = _smallest_tensor_split(checkpoint, gpus_for_weights, max(1, at_most))
    elif checkpoint and not can_split_attention(tensor, checkpoint):
        heads = checkpoint.config.get("num_attention_heads")
        raise UserError(
            f"tensor_parallel: {tensor} does not divide the model's {heads} attention heads; "
            f"set data_parallel: {tensor} instead"
        )
    if replicas is None:
        replicas = max(1, gpus // tensor)
    if gpus and tensor * replicas > gpus:
        raise UserError(
            f"tensor_parallel {tensor} x data_parallel {replicas} are more than the {gpus} GPUs of "
            "the job; raise gpus or lower one of them"
        )
    return Split(tensor, replicas)


def can_split_attention(tensor: int, checkpoint: Checkpoint) -> bool:
    """Tell whether attention can be split over ``tensor`` GPUs."""
    heads = checkpoint.config.get("num_attention_heads") or 1
    keys = checkpoint.config.get("num_key_value_heads") or heads
    return heads % tensor == 0 and (keys % tensor == 0 or tensor % keys == 0)


def _smallest_tensor_split(checkpoint: Checkpoint | None, wanted: int, at_most: int) -> int:
    if checkpoint is None or wanted <= 1:
        return 1
    fits = (t for t in range(wanted, at_most + 1) if can_split_attention(t, checkpoint))
    found = next(fits, None)
    if found is None:
        raise UserError(
            f"the weights need {wanted} GPUs and the model's attention heads cannot be split over "
            f"{wanted} to {at_most}; raise gpus, or set load_in_8bit: true"
        )
    return found


def devices_of_replicas(visible: Sequence[str] | None, parts: Split) -> list[str]:
    """Return the GPUs that each replica may see, as values of CUDA_VISIBLE_DEVICES."""
    count = parts.tensor * parts.replicas
    names = visible or [str(number) for number in range(count)]
    return [
        ",".join(names[start : start + parts.tensor]) for start in range(0, count, parts.tensor)
    ]
