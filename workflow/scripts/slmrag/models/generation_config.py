"""Sampling settings in a checkpoint's generation_config.json, which the config did not ask for."""

import json
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.tokenizer import special_tokens, token_ids, tokenizer_config

HARMLESS_KEYS = frozenset(
    [
        "_from_model_config",
        "transformers_version",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "decoder_start_token_id",
        "do_sample",
        "temperature",
        "top_p",
        "top_k",
        "max_length",
        "max_new_tokens",
        "use_cache",
        "return_dict_in_generate",
        "output_attentions",
        "output_hidden_states",
        "output_scores",
        "output_logits",
        "trust_remote_code",
    ]
)
"""Keys of generation_config.json that are not reported: they never changed an answer, or may."""
NEUTRAL_SETTINGS = {
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "min_p": 0,
    "typical_p": 1.0,
    "num_beam_groups": 1,
    "diversity_penalty": 0.0,
    "length_penalty": 1.0,
    "early_stopping": False,
    "encoder_repetition_penalty": 1.0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "num_return_sequences": 1,
    "remove_invalid_values": False,
    "renormalize_logits": False,
}
"""Values of such keys that change nothing."""


def sampling_requests(checkpoint: Path) -> dict[str, Any]:
    """Return the settings of the file that ours do not replace; UserError if it is no JSON."""
    known = {
        key: value
        for key, value in read_generation_config(checkpoint).items()
        if key not in HARMLESS_KEYS
    }
    return {k: v for k, v in known.items() if v is not None and v != NEUTRAL_SETTINGS.get(k)}


def read_generation_config(checkpoint: Path) -> dict[str, Any]:
    """Return generation_config.json, or nothing where a checkpoint has none."""
    file = checkpoint / "generation_config.json"
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise UserError(f"{file} is no JSON ({error}); download the model again") from error


def ended_elsewhere_before(checkpoint: Path) -> bool:
    """Tell whether older code ended answers elsewhere than vLLM, or kept the end token in them.

    It ignored the tokenizer's eos token, and wrote an end that is no special token as text.
    """
    ids, special = token_ids(checkpoint)
    end = ids.get(special_tokens(tokenizer_config(checkpoint)).get("eos_token", ""))
    own = _eos_ids(checkpoint)
    return end not in (None, *own) or bool(own - special - {end})


def _eos_ids(checkpoint: Path) -> set[int]:
    """Return the eos ids of generation_config.json or, without that file, of config.json."""
    own = (checkpoint / "generation_config.json").is_file()
    ids = (read_generation_config(checkpoint) if own else Checkpoint(checkpoint).config).get(
        "eos_token_id"
    )
    return {one for one in (ids if isinstance(ids, list) else [ids]) if one is not None}
