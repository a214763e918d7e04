"""What the generation benches share: a model, prompts, and jobs in processes of their own."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

TEMPLATE = (ROOT / "config" / "prompts" / "with_context.jinja").read_text(encoding="utf-8")
SENTENCE = "the capital of a country is its largest city and lies on a river near the coast"
THREADS = len(os.sched_getaffinity(0))


def write_prompts(path: Path, count: int, passages: int, words: int = 60, first: int = 0) -> Path:
    """Write ``count`` distinct prompts of ``passages`` passages of ``words`` words."""
    import polars as pl

    path.parent.mkdir(parents=True, exist_ok=True)
    structure = pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})
    frames = []
    for start in range(0, count, 10_000):
        numbers = range(first + start, first + min(count, start + 10_000))
        rows = [
            {
                "question_id": f"q{number}",
                "question": f"what is the capital of country number {number}?",
                "passages": [_passage(number + at, words) for at in range(passages)],
                "template": TEMPLATE,
            }
            for number in numbers
        ]
        frames.append(pl.DataFrame(rows, schema_overrides={"passages": pl.List(structure)}))
    pl.concat(frames).write_parquet(path, row_group_size=8192)
    return path


def _passage(number: int, words: int) -> dict[str, str]:
    known = SENTENCE.split()
    text = " ".join(known[(number * 7 + at) % len(known)] for at in range(words))
    return {"id": str(number), "title": f"Country {number}", "text": text}


def model(folder: Path, checkpoint: str | None) -> Path:
    """Return a checkpoint with its manifest: the one asked for, else a tiny random Llama."""
    from tests.models.tiny_model import make_model, manifest

    if checkpoint is None:
        made = make_model(folder / "model", layers=4, hidden=256)
        manifest(made)
        return made
    link = folder / "model"
    link.symlink_to(Path(checkpoint).resolve())
    manifest(link)
    return link


def spec(folder: Path, tables: list[Path], checkpoint: Path | None, **entry: Any) -> dict[str, Any]:
    """Return a generate job's input, output and params."""
    names = [f"{at}-{table.stem}" for at, table in enumerate(tables)]
    sampling = {"max_tokens": entry.pop("max_tokens", 24)}
    gpus = entry.pop("gpus", 0)
    return {
        "input": {
            "prompts": [str(table) for table in tables],
            "checkpoint": [str(checkpoint)] if checkpoint else [],
            "manifest": [f"{checkpoint}.json"] if checkpoint else [],
        },
        "output": {
            "answers": [str(folder / "out" / f"{name}.parquet") for name in names],
            "timings": [str(folder / "out" / f"{name}.times.parquet") for name in names],
        },
        "params": {
            "model": entry,
            "sampling": sampling,
            "hardware": {"threads": THREADS, "gpus": gpus},
            "cells": names,
            "journal": str(folder / "journal"),
        },
    }


def run(folder: Path, job: dict[str, Any], **environment: str) -> dict[str, Any]:
    """Run a job; return its wall seconds and the numbers that it reports."""
    from tests.generation import job_process

    folder.mkdir(parents=True, exist_ok=True)
    began, worked = time.perf_counter(), children_seconds()
    status = job_process.start(folder, job, **environment).wait()
    seconds, work = time.perf_counter() - began, children_seconds() - worked
    if status:
        raise SystemExit((folder / "stderr").read_text()[-2000:])
    lines = (folder / "results/test/jobs/generate_answers/tiny/events.jsonl").read_text()
    events = map(json.loads, lines.splitlines())
    return {
        "wall_seconds": seconds,
        "job_cpu_seconds": work,
        **{e["name"]: e["value"] for e in events if e["kind"] == "single"},
    }


def children_seconds() -> float:
    """Return the CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command(*arguments: str, **environment: str) -> tuple[float, str]:
    """Run a Python command; return its wall seconds and its standard output."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return time.perf_counter() - began, done.stdout


CPU = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_ATTN_SPLIT_KV": "0",  # as in our jobs: the yardstick runs under the same settings
    "VLLM_USE_AOT_COMPILE": "0",
    "OMP_NUM_THREADS": str(THREADS),
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}


def machine() -> str:
    """Return the machine, the date and the versions, in one line."""
    from datetime import UTC, datetime
    from importlib.metadata import version

    from slmrag.generation.engines import engine
    from slmrag.generation.engines.hardware import first_gpu

    with open("/proc/cpuinfo") as file:
        chip = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    gpu = first_gpu()
    where = f"{gpu['name']} (driver {gpu['driver']})" if gpu else f"{THREADS} cores of {chip}"
    engines = f"{engine('vllm').version()}, torch {version('torch')}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {where}, Python {sys.version.split()[0]}, {engines}"
