"""A resumed job with everything in the journal: seconds over Python's start, no engine imported."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.generation import common

CELLS = 8


def main() -> None:
    """Fill the journal with vLLM over a tiny model, then run again with the engines forbidden."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=1000, help="prompts a cell")
    count = parser.parse_args().prompts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = common.model(folder, None)
        tables = [
            common.write_prompts(folder / f"{at}.parquet", count, 3, 50, first=at * count)
            for at in range(CELLS)
        ]
        job = common.spec(folder, tables, checkpoint, engine="vllm", max_tokens=1)
        first = common.run(folder, job)
        again = common.run(folder, job, SLMRAG_FORBID="vllm,torch,transformers")
        python, _ = common.command("-c", "pass")
    print(common.machine())
    seconds = again["wall_seconds"] - python
    print(f"first run {first['wall_seconds']:.1f} s, {first['engine_starts']:.0f} engine start")
    print(
        f"resumed: {CELLS} cells of {count} prompts in {seconds:.2f} s over Python's start "
        f"(aim: < 5), {again['engine_starts']:.0f} engine starts"
    )


if __name__ == "__main__":
    main()
