"""A tiny random Llama with a trained BPE tokenizer, made on the spot: real in every engine."""

import json
from pathlib import Path

TEXT = """Answer the question in a few words. Context passage: The capital of France is Paris.
Question: Who wrote the play Hamlet? Answer: William Shakespeare wrote it in London.
The highest point of the country is a mountain of 4,810 metres. Yes, no, 0 1 2 3 4 5 6 7 8 9."""
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]


def make_tokenizer(folder: Path, chat: bool = False) -> int:
    """Train a byte-level BPE tokenizer that puts ``<s>`` first; return its vocabulary size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT.splitlines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "model_max_length": 512,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    if chat:
        (folder / "chat_template.jinja").write_text(CHAT)
    return tokenizer.get_vocab_size()


def make_model(
    folder: Path, chat: bool = False, seed: int = 0, layers: int = 2, hidden: int = 128
) -> Path:
    """Write a whole checkpoint (config, tokenizer, safetensors) into ``folder``; needs torch."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    vocabulary = make_tokenizer(folder, chat)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def make_adapter(folder: Path, hidden: int = 128, rank: int = 8) -> Path:
    """Write a random LoRA adapter of the first layer's query projection; needs torch."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    weights = {
        f"{name}.lora_A.weight": torch.randn(rank, hidden),
        f"{name}.lora_B.weight": torch.randn(hidden, rank),
    }
    save_file(weights, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 16,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": "tiny",
        "bias": "none",
        "task_type": "CAUSAL_LM",
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def manifest(folder: Path) -> Path:
    """Write the checkpoint's manifest beside it, as the download does; return its path."""
    import hashlib

    files = [
        {
            "name": f.name,
            "bytes": f.stat().st_size,
            "sha256": hashlib.sha256(f.read_bytes()).hexdigest(),
        }
        for f in sorted(folder.iterdir())
    ]
    whole = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    path = folder.with_name(f"{folder.name}.json")
    path.write_text(json.dumps({"uri": str(folder), "files": files, "digest": whole}))
    return path


def make_reasoner(folder: Path) -> Path:
    """Write a checkpoint whose special tokens [THINK] and [/THINK] its model often writes."""
    from safetensors.torch import load_file, save_file

    make_model(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text()
        text = text.replace("<|im_start|>", "[THINK]").replace("<|im_end|>", "[/THINK]")
        (folder / name).write_text(text)
    file = folder / "model.safetensors"
    weights = load_file(file)
    weights["lm_head.weight"][3:5] *= 4
    save_file(weights, file, metadata={"format": "pt"})
    manifest(folder)
    return folder
