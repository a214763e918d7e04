"""All that a script imports while it really runs is in its digest, whatever its entry chooses."""

import builtins
import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from slmrag.config.data import DatasetEntry
from slmrag.dag import fingerprint
from slmrag.dag.rooms import REGISTRIES, TRANSPORTS, WATCHERS

from tests.report.made_up import MadeUp

SCRIPTS = fingerprint.SCRIPTS
OURS = {"slmrag", *(path.stem for path in SCRIPTS.glob("*.py"))}
ASIDE = WATCHERS | TRANSPORTS
HARDWARE = {"gpus": 0, "threads": 1}
METRICS = {"confidence": 0.95, "bootstrap": 50}
PASSAGES = [("1", "Oslo", "Oslo is the capital of Norway"), ("2", "Rome", "Rome is in Italy")]


@contextmanager
def imports() -> Iterator[set[str]]:
    """Yield a set that fills with the names that our code imports, all of it being run anew."""
    seen: set[str] = set()
    before = {name: sys.modules.pop(name) for name in ours()}
    real = builtins.__import__

    def spy(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0):
        module = real(name, globals, locals, fromlist, level)
        importer = (globals or {}).get("__name__", "").split(".")
        if importer[0] in OURS and not {*importer[1:2]} & ASIDE:
            deeper = {f"{name}.{part}" for part in fromlist or ()}
            seen.update({name} | (deeper & {*sys.modules}))
        return module

    builtins.__import__ = spy
    try:
        yield seen
    finally:
        builtins.__import__ = real
        for name in ours():
            del sys.modules[name]
        sys.modules.update(before)


def ours() -> list[str]:
    """Return the names of our modules that are loaded."""
    return [name for name in sys.modules if name.split(".")[0] in OURS]


def file_of(name: str) -> Path:
    """Return the file of a module of ours."""
    base = SCRIPTS.joinpath(*name.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def ran(script: str, input: dict, output: dict, params: dict) -> set[Path]:
    """Run a script's main; return the files of ours that count and that it imported."""
    with imports() as seen:
        main = importlib.import_module(script).main
        main(*(SimpleNamespace(**given) for given in (input, output, params)))
    names = {name for name in seen if name.split(".")[0] == "slmrag"}
    names |= {name.rpartition(".")[0] for name in names} - {""}
    counted = {name for name in names if not {*name.split(".")[1:2]} & ASIDE}
    registries = {f"slmrag.{one.replace('/', '.')}" for one in REGISTRIES.values()}
    return {file_of(name) for name in counted - registries} | {SCRIPTS / f"{script}.py"}


def hold(script: str, input: dict, output: dict, params: dict, **chosen: Any) -> None:
    """Hold the digest of a script to what it imports while it runs."""
    missing = ran(script, input, output, params) - {*fingerprint.modules(script, **chosen)}
    assert not missing


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Return a folder of raw files: passages in many formats, questions, gold passages."""
    folder = tmp_path / "raw"
    for name in ("dpr_tsv", "jsonl", "csv", "beir", "text", "parquet", "asked", "listed"):
        (folder / name).mkdir(parents=True)
    table = pl.DataFrame(PASSAGES, schema=["id", "title", "text"], orient="row")
    table.write_parquet(folder / "parquet/x.parquet")
    table.write_csv(folder / "csv/x.csv")
    table.write_ndjson(folder / "jsonl/x.jsonl")
    table.rename({"id": "_id"}).write_ndjson(folder / "beir/x.jsonl")
    table.select("id", "text", "title").write_csv(folder / "dpr_tsv/x.tsv", separator="\t")
    (folder / "text/x.md").write_text("# Oslo\nOslo is the capital of Norway\n")
    asked = {"question": "capital of Norway?", "answers": ["Oslo"], "gold": ["1"]}
    (folder / "asked/x.jsonl").write_text(json.dumps(asked) + "\n")
    listed = {"question": "capital of Norway?", "answer": ["Oslo"]}
    (folder / "listed/x.jsonl").write_text(json.dumps(listed) + "\n")
    return folder


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Return a folder with a corpus, its questions and a mode's prompts."""
    table = pl.DataFrame(PASSAGES, schema=["id", "title", "text"], orient="row")
    table.write_parquet(tmp_path / "passages.parquet")
    gold = [dict(zip(("id", "title", "text"), PASSAGES[0], strict=True))]
    row = {"question_id": "q", "question": "capital of Norway?", "answers": ["Oslo"], "gold": gold}
    pl.DataFrame([row]).write_parquet(tmp_path / "questions.parquet")
    return tmp_path


@pytest.mark.parametrize("format", ["dpr_tsv", "jsonl", "csv", "beir", "text", "parquet"])
def test_a_corpus(raw: Path, tmp_path: Path, format: str) -> None:
    """A corpus's digest holds its reader, and the cutter of its documents."""
    output = {"passages": tmp_path / "p.parquet", "audit": tmp_path / "audit.json"}
    entry = {"format": format, "chunk": {"by": "words", "size": 3, "overlap": 0}}
    hold("prepare_corpus", {"raw": [raw / format]}, output, {"entry": entry}, formats=format)


@pytest.mark.parametrize(
    ("entry", "asked", "gold", "train"),
    [
        ({"format": "jsonl", "gold_format": "beir"}, "asked", ["beir"], []),
        ({"format": "jsonl", "gold_format": "dpr_tsv"}, "asked", ["dpr_tsv"], []),
        ({"format": "jsonl", "gold_format": "parquet"}, "asked", ["parquet"], []),
        ({"format": "jsonl"}, "asked", ["csv"], []),
        ({"format": "jsonl"}, "asked", ["jsonl"], []),
        ({"format": "nq_open"}, "listed", [], ["listed"]),
    ],
)
def test_a_data_set(raw: Path, tmp_path: Path, entry: dict, asked: str, gold: list, train: list):
    """A set's digest holds the readers of its questions, of its gold passages and its train set."""
    folders = {
        "gold_raw": [raw / name for name in gold],
        "train_raw": [raw / name for name in train],
    }
    output = {"questions": tmp_path / "q.parquet", "audit": tmp_path / "audit.json"}
    chosen = DatasetEntry(object="x", **entry).formats()
    input = {"raw": [raw / asked], **folders}
    hold("prepare_dataset", input, output, {"entry": entry, "name": "x"}, formats=chosen)


def test_an_audit(tables: Path) -> None:
    """The audit of a set against its corpus."""
    input = {"questions": tables / "questions.parquet", "passages": tables / "passages.parquet"}
    hold("audit_coverage", input, {"audit": tables / "audit.json"}, {})


RETRIEVERS = [
    ({"kind": "rank_bm25"}, "numpy"),
    ({"kind": "bm25s"}, "bm25s"),
    ({"kind": "dense", "encoder": "hashing"}, "numpy"),
    ({"kind": "dense", "encoder": "hashing", "ann": "hnsw"}, "faiss"),
    ({"kind": "dense", "encoder": "hashing", "ann": "ivf"}, "faiss"),
]


@pytest.mark.parametrize(("entry", "library"), RETRIEVERS)
def test_an_index_and_its_hits(tables: Path, entry: dict, library: str) -> None:
    """The digest of an index holds its building, that of its hits the search too."""
    if find_spec(library) is None:
        pytest.skip(f"{library} is not here")
    kind, passages = entry["kind"], tables / "passages.parquet"
    params = {"entry": entry | {"depth": 2}, "hardware": HARDWARE}
    output = {"index": tables / "index", "manifest": tables / "index.json"}
    hold("index_passages", {"passages": passages, "encoder": []}, output, params, indexing=kind)
    input = {"passages": passages, "questions": tables / "questions.parquet", "encoder": []}
    output = {"hits": tables / "hits.parquet", "metrics": tables / "hits.json"}
    input |= {"index": [tables / "index"]}
    hold("retrieve_passages", input, output, params, retrieval=kind)
    input |= {"hits": [tables / "hits.parquet"] * 2}
    params = {"entry": {"kind": "rrf", "depth": 2}, "hardware": HARDWARE}
    hold("retrieve_passages", input, output, params, retrieval="rrf")


def test_a_shard_of_vectors(tables: Path) -> None:
    """The encoding of a corpus."""
    params = {"entry": {"encoder": "hashing"}, "hardware": HARDWARE, "shard": 0, "shards": 2}
    input = {"passages": tables / "passages.parquet", "encoder": []}
    output = {"vectors": tables / "0.npy", "facts": tables / "0.json"}
    hold("encode_passages", input, output, params)


def test_prompts_and_answers(tables: Path) -> None:
    """The prompts of an oracle's mode, their answers by the echo engine, and their scores."""
    (tables / "x.jinja").write_text("{% for p in passages %}{{ p.text }}{% endfor %}{{ question }}")
    input = {"template": tables / "x.jinja", "questions": tables / "questions.parquet"}
    made = {"prompts": tables / "prompts.parquet"}
    params = {"entry": {"context": "oracle", "passages": 1}, "dataset": "x"}
    hold("build_prompts", input | {"hits": [], "passages": []}, made, params)
    answers, times = [tables / "answers.parquet"], [tables / "times.parquet"]
    params = {"sampling": {"max_tokens": 4}, "hardware": HARDWARE, "cells": ["x/oracle"]}
    params |= {"journal": str(tables / "journal"), "model": {"engine": "echo"}}
    input = {"prompts": [made["prompts"]], "checkpoint": [], "manifest": []}
    output = {"answers": answers, "timings": times}
    hold("generate_answers", input, output, params, engines="echo")
    cells = [{"model": "echo", "dataset": "x", "mode": "oracle"}]
    asked = {"questions": [tables / "questions.parquet"], "prompts": [made["prompts"]]}
    output = {"scores": [tables / "scores.parquet"], "summaries": [tables / "scores.json"]}
    metrics = METRICS | {"variants": ["squad"]}
    params |= {"cells": cells, "metrics": metrics}
    hold("score_answers", {"answers": answers, **asked}, output, params)
    (tables / "judge.jinja").write_text("{{ question }} {{ answers }} {{ answer }}")
    input = {"answers": answers, **asked, "template": tables / "judge.jinja"}
    output = {"grades": [tables / "grades.parquet"], "summaries": [tables / "grades.json"]}
    input |= {"checkpoint": [], "manifest": []}
    hold("grade_answers", input, output, params, engines="echo")


def test_a_report(tmp_path: Path) -> None:
    """The comparison of all cells."""
    made = MadeUp(tmp_path)
    parts = (vars(part) for part in (made.input, made.output, made.params))
    hold("report_comparison", *parts)
