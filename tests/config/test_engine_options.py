"""A model behind an endpoint says nothing in its entry that would do nothing."""

import pytest
from pydantic import ValidationError
from slmrag.config.engine_options import token_limit_problems
from slmrag.config.models import ModelEntry

BASE = {"engine": "openai", "endpoint": "http://h/v1", "served_name": "m"}
TEMPLATE = {"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"max_model_len": 2048}, "max_model_len does nothing with engine: openai"),
        ({"dtype": "float16"}, "dtype does nothing"),
        ({"quantization": "fp8"}, "quantization does nothing"),
        ({"load_in_8bit": True}, "load_in_8bit does nothing"),
        ({"adapter": "lora/"}, "adapter does nothing"),
        ({"gpus": 1}, "gpus does nothing"),
        ({"data_parallel": 2}, "data_parallel does nothing"),
        ({"options": {"model": "x"}}, "options.model is not yours to set"),
        ({"options": {"n": 2}}, "options.n is not yours to set"),
        ({"options": {"retries": -1}}, "options.retries should be a whole number from 0"),
        ({"options": {"timeout": "long"}}, "options.timeout should be a number above 0"),
        ({"options": {"timeout": 0}}, "options.timeout should be a number above 0"),
        ({"options": {"concurrency": True}}, "options.concurrency should be a whole number"),
        ({"options": {"temperature": 0.7}}, "set temperature in the model's entry"),
        ({"options": {"extra_body": {"seed": 1}}}, "set seed in the model's entry"),
        ({"options": {"extra_body": [1]}}, "options.extra_body should be a table"),
        ({"thinking": False, "options": TEMPLATE}, "enable_thinking: thinking: false says"),
        ({"engine": "echo"}, "endpoint does nothing with engine: echo"),
    ],
)
def test_a_wish_that_does_nothing_is_refused(more, sentence):
    """Each is one sentence that names the key, when the config is read."""
    with pytest.raises(ValidationError, match=sentence):
        ModelEntry(**BASE | more)


@pytest.mark.parametrize(
    "more",
    [
        {"gpus": 0, "load_in_8bit": False},
        {"checkpoint": "hf:org/name", "revision": "main", "max_model_len": 2048},
        {"thinking": True, "options": TEMPLATE},
        {"options": {"seed": None, "temperature": None, "stream": False, "top_k": 3}},
        {"temperature": 0.7, "options": {"temperature": 0.7, "total_timeout": 60}},
    ],
)
def test_what_can_be_obeyed_is_taken(more):
    """A limit that a tokenizer here can keep, what was switched off, and nulls of options stand."""
    assert ModelEntry(**BASE | more).params()["engine"] == "openai"


def test_a_null_of_options_reaches_the_job():
    """What is to be left out of a request is not dropped with the keys that are not set."""
    assert ModelEntry(**BASE, options={"seed": None}).params()["options"] == {"seed": None}


def test_two_limits_of_an_answer_are_refused():
    """max_completion_tokens says what max_tokens says, or is refused."""
    assert not list(token_limit_problems({"max_tokens": None, "max_completion_tokens": 64}, 64))
    assert "contradicts max_tokens: 64" in next(
        token_limit_problems({"max_completion_tokens": 8}, 64)
    )
    assert list(token_limit_problems({"extra_body": {"max_completion_tokens": 8}}, 64))


@pytest.mark.parametrize("endpoint", ["localhost:8000/v1", "ftp://host/v1", "host"])
def test_an_endpoint_is_a_web_address(endpoint):
    """What is no http address is told when the config is read."""
    with pytest.raises(ValidationError, match="must begin with http:// or https://"):
        ModelEntry(engine="openai", endpoint=endpoint, served_name="x")
