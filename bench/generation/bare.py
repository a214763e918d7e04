"""One bare ``LLM.generate`` call over a JSON list of prompts: the yardstick."""

import argparse
import json
import time
from pathlib import Path


def main() -> None:
    """Print start and generation seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("prompts")
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--max-model-len", type=int, default=512)
    parser.add_argument("--gpu", action="store_true")
    given = parser.parse_args()
    prompts = json.loads(Path(given.prompts).read_text())
    began = time.perf_counter()
    from vllm import LLM, SamplingParams

    cpu = {} if given.gpu else {"dtype": "float32", "enforce_eager": True}
    llm = LLM(given.checkpoint, max_model_len=given.max_model_len, **cpu)
    up, worked = time.perf_counter(), time.process_time()
    sampling = SamplingParams(temperature=0, max_tokens=given.max_tokens)
    outputs = llm.generate(prompts, sampling, use_tqdm=False)
    done = time.perf_counter()
    tokens = sum(len(one.outputs[0].token_ids) for one in outputs)
    numbers = {"start": up - began, "generation": done - up, "tokens": tokens}
    print(json.dumps(numbers | {"cpu": time.process_time() - worked}))


if __name__ == "__main__":
    main()
