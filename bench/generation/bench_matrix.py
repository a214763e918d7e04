"""The whole matrix of one model, 2 data sets x 4 modes: one job, a start per cell, lm-eval.

lm-evaluation-harness (0.4.13) is looked for in the folder that ``--lm-eval`` names (README.md says
how to make it); without it the comparison is left out and said to be.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.generation import common

CELLS = 8
TASK = """task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{answer}}}}"
target_delimiter: ""
generation_kwargs: {{until: ["\\n\\n\\n\\n"], max_gen_toks: {tokens}, do_sample: false,
                    temperature: 0.0}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""


def main() -> None:
    """Print wall seconds and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="a model folder (a tiny random Llama unless given)")
    parser.add_argument("--prompts", type=int, default=40, help="prompts a cell")
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--lm-eval", help="a folder with lm-eval and what it needs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        compare(given, Path(name))


def compare(given: argparse.Namespace, folder: Path) -> None:
    """Run the three ways and print what they took."""
    checkpoint = common.model(folder, given.checkpoint)
    tables = [
        common.write_prompts(folder / f"{at}.parquet", given.prompts, at % 4, 40, first=at * 10_000)
        for at in range(CELLS)
    ]
    entry = {"engine": "vllm", "max_tokens": given.max_tokens, "max_model_len": 512}
    stops = {"stop": ["\n\n\n\n"]}
    job = common.spec(folder / "one", tables, checkpoint, **entry, **stops)
    one = common.run(folder / "one", job)["wall_seconds"]
    print(common.machine())
    print(f"one job, one start: {one:.1f} s", flush=True)
    if given.lm_eval:
        harness = _harness(given, folder, job, checkpoint)
        print(f"lm-eval 0.4.13: {harness:.1f} s; ours / lm-eval: {one / harness:.2f} (aim: <= 1.0)")
    else:
        print("lm-eval: not measured, no --lm-eval folder given")
    began = time.perf_counter()
    for at, table in enumerate(tables):
        single = common.spec(folder / f"cell{at}", [table], checkpoint, **entry, **stops)
        common.run(folder / f"cell{at}", single)
    cells = time.perf_counter() - began
    print(f"a start per cell: {cells:.1f} s; ours / that: {one / cells:.2f} (aim: <= 0.5)")


def _harness(
    given: argparse.Namespace, folder: Path, job: dict[str, Any], checkpoint: Path
) -> float:
    """Time ``lm_eval --model vllm`` over the same rendered prompts, one task a cell."""
    import polars as pl

    tasks = folder / "tasks"
    tasks.mkdir()
    for at, answers in enumerate(job["output"]["answers"]):
        rows = [{"prompt": p, "answer": "x"} for p in pl.read_parquet(answers)["prompt"]]
        data = tasks / f"cell{at}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        text = TASK.format(name=f"cell{at}", data=data, tokens=given.max_tokens)
        (tasks / f"cell{at}.yaml").write_text(text)
    arguments = f"pretrained={checkpoint},dtype=float32,enforce_eager=True,max_model_len=512"
    names = ",".join(f"cell{at}" for at in range(CELLS))
    call = ["-m", "lm_eval", "--model", "vllm", "--model_args", arguments, "--tasks", names]
    call += ["--include_path", str(tasks), "--batch_size", "auto"]
    quiet = {"HF_HOME": str(folder / "hf"), "HF_DATASETS_OFFLINE": "1"}
    seconds, _ = common.command(*call, **common.CPU, **quiet, PYTHONPATH=str(given.lm_eval))
    return seconds


if __name__ == "__main__":
    main()
