"""Our job's generation phase against one bare LLM.generate call: the share of its requests/s."""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.generation import common, floor


def main() -> None:
    """Print the ratio of the medians, runs taken in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="a model folder (a tiny random Llama unless given)")
    parser.add_argument("--prompts", type=int, default=400)
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--max-model-len", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gpu", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        compare(given, Path(name))


def compare(given: argparse.Namespace, folder: Path) -> None:
    """Run both in turns and print requests/s and their ratio."""
    checkpoint = common.model(folder, given.checkpoint)
    table = common.write_prompts(folder / "prompts.parquet", given.prompts, passages=1)
    ours, bare = [], []
    for turn in range(given.rounds):
        job = _job(given, folder / f"job{turn}", table, checkpoint)
        ours.append(_ours(folder / f"job{turn}", job))
        bare.append(_bare(given, folder, job, checkpoint))
        print(f"round {turn}: {_said('ours', ours[-1])}; {_said('bare', bare[-1])}", flush=True)
    pairs = list(zip(ours, bare, strict=True))
    wall, cpu = (statistics.median(b[at] / o[at] for o, b in pairs) for at in (0, 1))
    print(common.machine())
    print(floor.text(checkpoint, given) if given.gpu else "no GPU: no physical floor is given")
    print(f"requests/s of the generation phase over bare LLM.generate: {wall:.3f} (aim: >= 0.98)")
    print(f"the same by CPU seconds, which other processes disturb less: {cpu:.3f}")


def _said(name: str, seconds: tuple[float, float]) -> str:
    return f"{name} {seconds[0]:.2f} s ({seconds[1]:.2f} CPU-s)"


def _job(given: argparse.Namespace, folder: Path, table: Path, checkpoint: Path) -> dict[str, Any]:
    entry = {"engine": "vllm", "max_model_len": given.max_model_len}
    entry |= {"max_tokens": given.max_tokens, "gpus": int(given.gpu)}
    return common.spec(folder, [table], checkpoint, **entry)


def _ours(folder: Path, job: dict[str, Any]) -> tuple[float, float]:
    result = common.run(folder, job)
    return result["generation_seconds"], result["cpu_seconds"]


def _bare(
    given: argparse.Namespace, folder: Path, job: dict[str, Any], checkpoint: Path
) -> tuple[float, float]:
    import polars as pl

    prompts = folder / "prompts.json"
    answers = job["output"]["answers"][0]
    prompts.write_text(json.dumps(pl.read_parquet(answers)["prompt"].to_list()))
    script = str(Path(__file__).with_name("bare.py"))
    limits = ["--max-tokens", str(given.max_tokens), "--max-model-len", str(given.max_model_len)]
    gpu = ["--gpu"] if given.gpu else []
    environment = {} if given.gpu else common.CPU
    _, text = common.command(script, str(checkpoint), str(prompts), *limits, *gpu, **environment)
    numbers = json.loads(text.splitlines()[-1])
    return numbers["generation"], numbers["cpu"]


if __name__ == "__main__":
    main()
