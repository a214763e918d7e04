"""Tiny random transformers, made on the spot, in every shape that a checkpoint comes in."""

from pathlib import Path
from typing import Any

WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] oslo bergen rome norway italy capital of the a fish rainy "
    ": query passage instruct represent this sentence for searching relevant passages"
)


def settings(**more: Any) -> dict[str, Any]:
    """Return the size of a tiny BERT."""
    return {
        "vocab_size": len(WORDS.split()),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        **more,
    }


def save_tokenizer(folder: Path) -> None:
    """Write a tokenizer of whole words."""
    from transformers import BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS.split()))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)


def save(folder: Path, architecture: str, **more: Any) -> Path:
    """Write a checkpoint with random weights (seed 0) of one of transformers' classes."""
    import torch
    import transformers

    torch.manual_seed(0)
    save_tokenizer(folder)
    kind = getattr(transformers, architecture)
    model = kind(kind.config_class(**settings(**more)))
    model.save_pretrained(folder)
    return folder
