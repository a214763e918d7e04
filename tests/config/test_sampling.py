"""Keys of sampling: checked when the config is read, and in the cache key where they matter."""

import pytest
from slmrag.config import load
from slmrag.config.sampling import Sampling
from slmrag.errors import UserError
from slmrag.generation.cache_key import cache_key, sampling_key
from slmrag.generation.engines.base import EngineConfig
from slmrag.generation.engines.openai_request import request_body
from slmrag.generation.generation_job import GenerationJob

LOCAL = {"checkpoint": "weights"}
REMOTE = {"engine": "openai", "endpoint": "http://localhost:1/v1", "served_name": "m"}


def read(model, judge=None, **sampling):
    """Read a small config with one model, and perhaps a judge."""
    return load.load(
        {
            **({"judge": judge} if judge else {}),
            "experiment": "e",
            "objects": {"q": {"uri": "q.jsonl"}},
            "datasets": {"quiz": {"object": "q", "format": "jsonl"}},
            "modes": {"bare": {"context": "none", "prompt": "p.jinja"}},
            "models": {"m": model},
            "sampling": sampling,
        }
    )


@pytest.mark.parametrize(
    ("model", "sampling", "expected"),
    [
        ({**LOCAL, "engine": "transformers", "presence_penalty": 1.5}, {}, "models.m.presence_pen"),
        ({**LOCAL, "engine": "transformers"}, {"frequency_penalty": 1}, "sampling.frequency_pen"),
        ({"engine": "echo", "top_k": 20}, {}, "models.m.top_k: engine: echo has no such key"),
        ({"engine": "echo"}, {"min_tokens": 2}, "sampling.min_tokens: engine: echo of models.m"),
        ({**LOCAL, "min_p": 1.5}, {}, "models.m.min_p"),
        ({**LOCAL, "min_tokens": 65}, {}, "min_tokens 65 is above max_tokens 64"),
        ({**REMOTE, "options": {"extra_body": {"top_k": 5}}}, {"top_k": 20}, "top_k is set beside"),
        ({**REMOTE, "top_k": 20, "options": {"top_k": 5}}, {}, "top_k is set beside"),
        ({**LOCAL, "engine": "transformers", "options": {"generation_config": "x"}}, {}, "instead"),
        ({**LOCAL, "top_k": 5, "options": {"top_k": 20}}, {}, "options.top_k: .* move it there"),
        ({**LOCAL, "options": {"generation_config": "vllm"}}, {}, "options.generation_config: set"),
        ({**LOCAL, "options": {"override_generation_config": {}}}, {}, "override_.* instead"),
        ({**LOCAL, "options": {"logits_processors": ["a:B"]}}, {}, "logits_processors: set"),
        ({**LOCAL, "seed": 1, "options": {"seed": 2}}, {}, "options.seed: .* move it there"),
    ],
)
def test_what_an_engine_cannot_do_is_refused(model, sampling, expected):
    """The sentence names the place of the key."""
    with pytest.raises(UserError, match=expected):
        read(model, **sampling)


def test_every_engine_with_samplers_takes_them():
    """The keys of Qwen3's card are read for vllm, and for transformers but for the penalties."""
    card = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0.0}
    assert read({**LOCAL, **card, "presence_penalty": 1.5}).models["m"].presence_penalty == 1.5
    assert read({**LOCAL, **card, "engine": "transformers"}).models["m"].top_k == 20


@pytest.mark.parametrize("engine", ["vllm", "transformers"])
def test_a_key_of_sampling_among_the_options_is_the_models_own(engine):
    """So vLLM's users write it; the two spellings are one entry."""
    entry = {**LOCAL, "engine": engine, "temperature": 0.6}
    written = read({**entry, "options": {"top_k": 20, "seed": 3, "batch_invariant": True}})
    plain = read({**entry, "top_k": 20, "seed": 3, "options": {"batch_invariant": True}})
    assert written.models["m"] == plain.models["m"]
    assert read({**entry, "options": {"min_p": 0.1}}).models["m"].options is None


def test_the_key_of_a_config_without_the_keys_is_as_before():
    """Keys that are not set, and those that do nothing at temperature 0, are not in it."""
    plain = {"temperature": 0.0, "max_tokens": 64, "stop": []}
    assert sampling_key(Sampling()) == plain
    assert sampling_key(Sampling(top_k=20, min_p=0.1)) == plain
    assert sampling_key(Sampling(min_tokens=2)) == {**plain, "min_tokens": 2}
    drawn = sampling_key(Sampling(temperature=0.6, top_k=20))
    assert drawn == plain | {"temperature": 0.6, "top_p": 1.0, "seed": 0, "top_k": 20}


def test_an_endpoint_is_sent_each_key_that_is_set():
    """A neutral value that is set is sent: the server's default may be another."""
    wanted = Sampling(temperature=0.6, presence_penalty=1.5, top_k=20, repetition_penalty=1.0)
    entry = {**REMOTE, "options": {"extra_body": {"x": 1}}}
    sent = request_body(EngineConfig(entry, wanted))
    assert {"presence_penalty": 1.5, "top_k": 20, "repetition_penalty": 1.0, "x": 1}.items() <= (
        sent.items()
    )
    assert "min_p" not in sent


def test_what_is_drawn_at_the_servers_own_temperature_is_in_the_key():
    """With temperature: null top_k changes answers; without it the cache key is as before."""

    def key(options, **sampling):
        return cache_key(GenerationJob({**REMOTE, "options": options}, Sampling(**sampling), {}))

    assert key({}, top_k=5) == key({})
    free = {"temperature": None}
    assert key(free, top_k=5) != key(free) and key(free, top_k=5) != key(free, top_k=6)
    assert key(free)["entry"]["drawn"] == {"seed": 0, "top_p": 1.0}


def test_the_judge_has_keys_of_its_own_entry_alone():
    """Sampling for all models is not the judge's, its entry's is; its limits are checked, too."""
    judge = {"model": {**REMOTE, "top_k": 5, "repetition_penalty": 1.1}, "datasets": ["quiz"]}
    made = read(LOCAL, judge, min_p=0.2, frequency_penalty=1).judge
    assert sampling_key(Sampling.of(made.model.params(), made.SAMPLING)) == {
        "temperature": 0.0,
        "max_tokens": 8,
        "stop": [],
        "repetition_penalty": 1.1,
    }
    with pytest.raises(UserError, match=r"judge\.model: min_tokens 9 is above max_tokens 8"):
        read(LOCAL, {**judge, "model": {**REMOTE, "min_tokens": 9}})
