"""A tiny project in a folder of its own: real data formats, a tiny model, the repo's Snakefile."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.workflow import warm

ROOT = Path(__file__).resolve().parents[2]
PASSAGES = [
    ("France", "Paris is the capital of France and stands on the river Seine."),
    ("Peru", "Lima is the capital of Peru; its highest point is Nevado Huascaran."),
    ("Kenya", "Nairobi is the capital of Kenya, where the currency is the Kenyan shilling."),
    ("Japan", "Tokyo is the capital of Japan, whose currency is the yen."),
    ("Norway", "Oslo is the capital of Norway; its highest point is Galdhopiggen."),
    ("Ghana", "Accra is the capital of Ghana, on the Gulf of Guinea."),
]
QUESTIONS = [
    ("What is the capital of France?", ["Paris"], 0),
    ("What is the highest point of Peru?", ["Nevado Huascaran", "Huascaran"], 1),
    ("What is the currency of Kenya?", ["Kenyan shilling"], 2),
    ("Which city is the capital of Japan?", ["Tokyo"], 3),
    ("Where is Galdhopiggen?", ["Norway"], 4),
]
ECHO = {"engine": "echo"}
CONFIG = {
    "experiment": "tiny",
    "objects": {
        "passages": {"uri": "data/passages.tsv"},
        "questions": {"uri": "data/questions.json"},
    },
    "corpora": {"facts": {"object": "passages", "format": "dpr_tsv"}},
    "datasets": {"quiz": {"object": "questions", "format": "dpr", "corpus": "facts"}},
    "retrievers": {"bm25": {"kind": "rank_bm25", "depth": 4}},
    "modes": {
        "no_context": {"context": "none", "prompt": "config/prompts/no_context.jinja"},
        "oracle_context": {"context": "oracle", "prompt": "config/prompts/with_context.jinja"},
        "retriever_context": {
            "context": "retriever",
            "prompt": "config/prompts/with_context.jinja",
            "retriever": "bm25",
            "passages": 2,
        },
    },
    "models": {"parrot": ECHO},
    "sampling": {"max_tokens": 8},
    "metrics": {"bootstrap": 200},
    "tracking": {"mode": "off"},
}


@dataclass
class Project:
    """A folder with data and a config, and the commands to run the workflow in it."""

    folder: Path

    @property
    def config(self) -> dict:
        """Return the config as it stands in the folder."""
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    def edit(self, **tables) -> None:
        """Merge tables into the config, deep; None removes an entry."""
        self.write(_merged(self.config, tables))

    def write(self, config: dict) -> None:
        """Write the whole config."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def command(self, *args: str, snakefile: Path = ROOT / "Snakefile") -> list[str]:
        """Return the snakemake command for this folder."""
        start = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
        return [*start, "--directory", str(self.folder), "--configfile", "config.yaml", *args]

    def snakemake(self, *args: str, check: bool = True, **kwargs) -> subprocess.CompletedProcess:
        """Run snakemake and return what it said; a failure shows all of it.

        With variables it is a whole process of its own, else a fork of one that is warm.
        """
        environment = kwargs.pop("env", {})
        command = self.command(*args, **kwargs)
        if environment:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=os.environ | environment,
                capture_output=True,
                text=True,
            )
        else:
            done = warm.run(command[3:], self.folder)
        if check and done.returncode:
            raise AssertionError(f"{done.args}\n{done.stdout}\n{done.stderr}")
        return done

    def run(self, *args: str, **kwargs) -> subprocess.CompletedProcess:
        """Run the workflow on two cores."""
        return self.snakemake("--cores", "2", *args, **kwargs)

    def read(self, path: str) -> dict:
        """Return a JSON file of the folder."""
        return json.loads((self.folder / path).read_text())


def make_project(folder: Path, **tables) -> Project:
    """Write the tiny project into ``folder``, its config merged with ``tables``."""
    (folder / "data").mkdir(parents=True)
    rows = [f"{index}\t{text}\t{title}" for index, (title, text) in enumerate(PASSAGES, 1)]
    (folder / "data/passages.tsv").write_text("\n".join(["id\ttext\ttitle", *rows]) + "\n")
    (folder / "data/questions.json").write_text(json.dumps([asked(*q) for q in QUESTIONS]))
    project = Project(folder)
    project.write(_merged(CONFIG, tables))
    return project


def asked(question: str, answers: list[str], gold: int) -> dict:
    """Return a question as DPR's files hold it, with the passage that answers it."""
    title, text = PASSAGES[gold]
    positive = {"title": title, "text": text, "passage_id": str(gold + 1)}
    return {"question": question, "answers": answers, "positive_ctxs": [positive]}


def _merged(base: dict, over: dict) -> dict:
    merged = dict(base)
    for key, value in over.items():
        deep = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if deep else value
    return merged


def make_encoder(folder: Path) -> Path:
    """Write a tiny random BERT with a word-piece tokenizer; needs torch."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator((text for _, text in PASSAGES), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    return folder
