"""What an endpoint draws by: neutral values where its server is known, else what it decides."""

import json
import logging

import pytest
from slmrag.config.sampling import Sampling
from slmrag.errors import UserError
from slmrag.generation.engines.base import EngineConfig, Request
from slmrag.generation.engines.openai import Engine

from tests.generation.fake_endpoint import serve

pytestmark = pytest.mark.slow

pytest.importorskip("openai")
DRAWN = Sampling(temperature=0.6)
NEUTRAL = {"presence_penalty": 0, "frequency_penalty": 0, "repetition_penalty": 1}
UNKNOWN = ["frequency_penalty", "presence_penalty", "repetition_penalty"]


def ask(server, sampling=None, **options):
    """Return what the engine says of itself, and the sampling keys that were sent."""
    entry = {"endpoint": server.url, "served_name": "tiny", "options": options}
    with Engine(EngineConfig(entry, sampling or Sampling(), chat=True)) as engine:
        made = list(engine.answers(iter([Request("p", "a b ?")])))
    assert len(made) == 1
    body = server.seen[-1][2]
    keys = {*NEUTRAL, "top_k", "min_p", "repeat_penalty", "min_tokens"} & {*body}
    sent = {key: body[key] for key in keys}
    assert engine.about()["sampling_sent"] == sent
    return engine.about(), sent


@pytest.mark.parametrize(
    ("owner", "drawn"),
    [
        ("vllm", {**NEUTRAL, "top_k": -1, "min_p": 0}),
        ("sglang", {**NEUTRAL, "top_k": -1, "min_p": 0}),
        (
            "llamacpp",
            {
                "presence_penalty": 0,
                "frequency_penalty": 0,
                "repeat_penalty": 1,
                "top_k": 0,
                "min_p": 0,
            },
        ),
    ],
)
def test_a_known_server_is_sent_neutral_values(owner, drawn):
    """At temperature 0 those that can matter there, above it all; nothing is left to the server."""
    with serve(owner=owner) as server:
        about, sent = ask(server)
        assert sent == {key: drawn[key] for key in drawn if key not in ("top_k", "min_p")}
        assert (about["server"], about["sampling_unknown"]) == (owner, [])
        assert ask(server, DRAWN)[1] == drawn
        assert ask(server, temperature=None)[1] == drawn
    assert {path for path, _ in server.listed} == {"/v1/models"}


def test_what_is_asked_for_goes_before_neutral_values():
    """A key of the entry, of options or of extra_body is sent as it stands, null leaves it out."""
    with serve(owner="vllm") as server:
        wanted = DRAWN._replace(top_k=20, repetition_penalty=1.3)
        assert ask(server, wanted)[1] == {
            **NEUTRAL,
            "repetition_penalty": 1.3,
            "top_k": 20,
            "min_p": 0,
        }
        assert ask(server, extra_body={"repetition_penalty": 1.1})[1]["repetition_penalty"] == 1.1
        about, sent = ask(server, presence_penalty=None)
    assert "presence_penalty" not in sent and about["sampling_unknown"] == ["presence_penalty"]


def test_top_k_is_sent_where_the_server_chooses_the_temperature():
    """What does nothing at our temperature 0 does something at the server's own."""
    with serve() as server:
        assert ask(server, Sampling(top_k=20), temperature=None)[1] == {"top_k": 20}
        assert ask(server, Sampling(top_k=20))[1] == {}


@pytest.mark.parametrize(
    "owner",
    [None, "somebody", b"<html>", b"[]", b'{"data": null}', b'{"data": [{"owned_by": 5}]}', b""],
)
def test_an_unknown_server_is_sent_nothing_and_told_once(owner, caplog):
    """Strict servers refuse keys they do not know; what such a one decides is in the record."""
    with serve(owner=owner) as server, caplog.at_level(logging.WARNING):
        about, sent = ask(server)
        assert sent == {} and about["sampling_unknown"] == UNKNOWN
        assert [r.message.count("decides frequency_penalty") for r in caplog.records] == [1]
        unset = ask(server, DRAWN._replace(**NEUTRAL))[0]["sampling_unknown"]
    assert unset == ["min_p", "top_k"]


def test_a_list_of_two_owners_is_read_by_the_models_name():
    """A gateway lists models of several servers: the one that is asked counts."""
    cards = [{"id": "tiny", "owned_by": "vllm"}, {"id": "other", "owned_by": "somebody"}]
    with serve(owner=json.dumps({"data": cards}).encode()) as server:
        assert ask(server)[0]["server"] == "vllm"
    with serve(owner=json.dumps({"data": [{**cards[0], "id": "x"}, cards[1]]}).encode()) as server:
        assert ask(server)[0]["server"] is None


@pytest.mark.parametrize(
    ("owner", "key"), [("llamacpp", "repetition_penalty"), ("library", "min_tokens")]
)
def test_a_key_that_the_server_passes_over_is_refused(owner, key):
    """A wish that would do nothing is one sentence before the first prompt."""
    with serve(owner=owner) as server, pytest.raises(UserError, match=f"has no {key}; remove"):
        ask(server, Sampling(**{key: 2}))
    assert not server.seen


def test_the_list_of_models_is_asked_for_as_prompts_are(monkeypatch):
    """With the same key and headers, as a gateway wants them."""
    monkeypatch.setenv("MY_KEY", "sk-1")
    with serve(owner="vllm") as server:
        ask(server, api_key_env="MY_KEY", extra_headers={"X-Team": "qa"})
    headers = {name.lower(): value for name, value in server.listed[0][1].items()}
    assert (headers["authorization"], headers["x-team"]) == ("Bearer sk-1", "qa")
