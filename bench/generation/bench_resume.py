"""A resumed job with everything in the journal: seconds over Python's start, no engine imported.

The journal is filled as the job itself does it, by the same code under the same cache key; a
stand-in answers in vLLM's place, as no answer's text matters here. ``--engine-fills`` takes vLLM
itself.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.generation import common

CELLS = 8
SHAPES = {"prompts fit": (3, 20), "each prompt is cut to fit": (5, 100)}
FORBIDDEN = "vllm,torch,transformers"


def main() -> None:
    """Fill the journal, then run again with the engines forbidden; for short and long prompts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="a model folder (a tiny random Llama unless given)")
    parser.add_argument("--prompts", type=int, default=1000, help="prompts a cell")
    parser.add_argument("--max-model-len", type=int, default=512)
    parser.add_argument("--engine-fills", action="store_true", help="fill by vLLM (minutes)")
    given = parser.parse_args()
    print(common.machine())
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            _measure(given, Path(folder), name, *shape)


def _measure(given: argparse.Namespace, folder: Path, name: str, passages: int, words: int) -> None:
    checkpoint = common.model(folder, given.checkpoint)
    tables = [
        common.write_prompts(folder / f"{at}.parquet", given.prompts, passages, words, at * 10**6)
        for at in range(CELLS)
    ]
    limits = {"max_tokens": 24, "max_model_len": given.max_model_len}
    job = common.spec(folder, tables, checkpoint, engine="vllm", **limits)
    result = common.run(folder, job) if given.engine_fills else filled(job)
    first = [Path(path).read_bytes() for path in job["output"]["answers"]]
    shutil.rmtree(folder / "out")
    again = common.run(folder, job, SLMRAG_FORBID=FORBIDDEN)
    assert first == [Path(path).read_bytes() for path in job["output"]["answers"]]
    python, _ = common.command("-c", "pass")
    print(
        f"{name}: {CELLS} cells of {given.prompts} prompts ({result['shortened']:.0f} cut), "
        f"resumed in {again['wall_seconds'] - python:.2f} s over Python's start (aim: < 5; "
        f"{again['job_cpu_seconds']:.2f} CPU-s), {again['engine_starts']:.0f} engine starts, "
        "the same bytes",
        flush=True,
    )


def filled(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job with a stand-in for vLLM; return its numbers."""
    import generate_answers
    from slmrag.generation.engines import base, vllm

    class StandIn(vllm.Engine):
        def __enter__(self) -> "StandIn":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def answers(self, requests: Any) -> Any:
            for one in requests:
                made = " of the United Kingdom" * 4, len(one.tokens), 24, "length", 0.1, 0.2
                yield [base.Completion(one.digest, *made)]

        def about(self) -> dict[str, Any]:
            return {"device": "none"}

    vllm.Engine = StandIn
    parts = (SimpleNamespace(**job[name]) for name in ("input", "output", "params"))
    return generate_answers.main(*parts)


if __name__ == "__main__":
    main()
