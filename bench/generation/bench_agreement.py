"""How often answers agree between runs: repeated, in other batches, resumed from half a journal."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.generation import common

WIDE, NARROW = 64, 4


def main() -> None:
    """Print the share of equal raw answers of each pair of runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="a model folder (a tiny random Llama unless given)")
    parser.add_argument("--tables", type=Path, nargs="*", help="tables of prompts, else made up")
    parser.add_argument("--prompts", type=int, default=200, help="prompts to make up")
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--max-model-len", type=int, default=512)
    parser.add_argument("--engine", default="vllm")
    parser.add_argument("--dtype")
    parser.add_argument("--batch-invariant", action="store_true")
    parser.add_argument("--gpu", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        compare(given, Path(name))


def compare(given: argparse.Namespace, folder: Path) -> None:
    """Run four times and print how the last three agree with the first."""
    checkpoint = common.model(folder, given.checkpoint)
    tables = given.tables or [common.write_prompts(folder / "p.parquet", given.prompts, 1)]
    print(common.machine(), vars(given))
    first = _answers(given, folder / "first", tables, checkpoint, WIDE)
    _half_a_journal(folder / "first", folder / "resumed")
    for name, width in (("repeated", WIDE), ("other batches", NARROW), ("resumed", WIDE)):
        again = _answers(given, folder / name, tables, checkpoint, width)
        same = sum(a == b for a, b in zip(first, again, strict=True))
        print(f"{name}: {same} of {len(first)} answers are the same ({same / len(first):.4f})")


def _answers(
    given: argparse.Namespace, folder: Path, tables: list[Path], checkpoint: Path, width: int
) -> list[str]:
    import polars as pl

    entry: dict[str, Any] = {"engine": given.engine, "max_tokens": given.max_tokens}
    entry |= {"max_model_len": given.max_model_len}
    entry |= {"gpus": int(given.gpu)} | ({"dtype": given.dtype} if given.dtype else {})
    entry |= {"options": {"batch_invariant": True}} if given.batch_invariant else {}
    job = common.spec(folder, tables, checkpoint, **entry)
    job["params"]["hardware"]["max_num_seqs"] = width
    result = common.run(folder, job)
    print(f"{folder.name}: {result['generated']:.0f} in {result['generation_seconds']:.1f} s")
    return [answer for path in job["output"]["answers"] for answer in pl.read_parquet(path)[MADE]]


MADE = "raw_answer"


def _half_a_journal(source: Path, target: Path) -> None:
    """Copy a journal as a kill amid generation would have left it."""
    (file,) = (source / "journal").rglob("*.jsonl")
    copy = target / file.relative_to(source)
    copy.parent.mkdir(parents=True)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    copy.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")


if __name__ == "__main__":
    main()
