"""The openai engine against 300 servers that do what they like."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from slmrag.config.sampling import Sampling
from slmrag.errors import UserError
from slmrag.generation.engines import openai_errors
from slmrag.generation.engines.base import Completion, EngineConfig, Request
from slmrag.generation.engines.openai import Engine

from tests.generation.odd_endpoint import odd_server

pytestmark = pytest.mark.slow

pytest.importorskip("openai")
SEEDS, PROMPTS, LONGEST = 300, 4, 20.0
OPTIONS = {"retries": 1, "timeout": 0.3, "total_timeout": 0.8, "longest_wait": 0.05}


def asked(url, seed):
    """Return what a seed's prompts came to, the sentence that ended the job, and the seconds."""
    options = OPTIONS | {"concurrency": 1 + seed % 3}
    entry = {"endpoint": url, "served_name": "m", "options": options}
    config = EngineConfig(entry, Sampling(stop=("Q:",)), chat=True)
    names = [f"seed {seed} prompt {at}" for at in range(PROMPTS)]
    made, sentence, began = {}, None, time.monotonic()
    try:
        with Engine(config) as engine:
            for some in engine.answers(Request(name, f"{name} ?") for name in names):
                made |= {one.digest: one for one in some}
    except UserError as error:
        sentence = f"{error}"
    return names, made, sentence, time.monotonic() - began


def test_no_answer_is_believed_that_the_server_did_not_finish(monkeypatch):
    """Over 300 seeds each prompt is answered as finished, refused, or a sentence says why not."""
    monkeypatch.setattr(openai_errors, "FIRST_BACKOFF", 0.002)
    with odd_server() as server, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda seed: asked(server.url, seed), range(SEEDS)))
        truth = server.truth
    for names, made, sentence, seconds in results:
        for name, one in made.items():
            if isinstance(one, Completion):
                assert (one.text, one.finish_reason) in truth.finished[name], name
            else:
                assert name in truth.refused and "\n" not in one.reason
        assert sentence or set(made) == set(names)
        assert sentence is None or (sentence.startswith(server.url) and "\n" not in sentence)
        assert seconds < LONGEST
    answered = sum(isinstance(one, Completion) for _, made, *_ in results for one in made.values())
    assert answered > SEEDS
