"""What the openai engine believes, tries again and tells, of servers that are not quite right."""

import json
import time

import pytest
from slmrag.config.sampling import Sampling
from slmrag.errors import UserError
from slmrag.generation.engines import openai_errors
from slmrag.generation.engines.base import Completion, EngineConfig, Refusal, Request
from slmrag.generation.engines.openai import Engine

from tests.generation.fake_endpoint import serve

pytestmark = pytest.mark.slow

pytest.importorskip("openai")


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Try again at once, in an environment of our own."""
    monkeypatch.setattr(openai_errors, "FIRST_BACKOFF", 0.001)
    for name in ("OPENAI_API_KEY", "SSL_CERT_FILE", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def ask(url, prompts=4, thinking=None, chat=True, **options):
    """Return the engine and what each prompt came to."""
    entry = {"endpoint": url, "served_name": "m", "options": {"concurrency": 1, **options}}
    entry |= {} if thinking is None else {"thinking": thinking}
    with Engine(EngineConfig(entry, Sampling(max_tokens=16), chat=chat)) as engine:
        requests = (Request(f"p{at}", f"prompt {at} ?") for at in range(prompts))
        made = [one for some in engine.answers(requests) for one in some]
    return engine, {one.digest: one for one in made}


def stream(*choices, usage=None, done=True):
    """Return the bytes of a stream of such choices."""
    chunks = [{"model": "m-1", "system_fingerprint": "f", "choices": [one]} for one in choices]
    chunks += [{"choices": [], "usage": usage}] if usage else []
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


HALF = {"delta": {"content": "Pa"}}
WHOLE = {"delta": {"content": "Paris"}, "finish_reason": "stop"}
ERROR = b'data: {"error": {"message": "engine died", "code": 500}}\n\n'
PAGE = b"<html><body>Open WebUI</body></html>"


@pytest.mark.parametrize(
    "broken",
    [
        stream(HALF),
        stream(HALF, done=False),
        stream(HALF, done=False) + ERROR,
        stream(HALF, done=False) + b"event: error\ndata: {}\n\n",
        stream(HALF, done=False) + b"nonsense\n\n",
        stream({**HALF, "finish_reason": "abort"}),
        stream(WHOLE, HALF),
        stream({"message": {"content": "Paris"}, "finish_reason": "stop"}),
        stream(HALF)[:40],
    ],
)
def test_what_is_not_whole_is_asked_again(broken):
    """A stream without a proof costs a retry; one that stays so ends the job in a sentence."""
    with serve(broken) as server:
        made = ask(server.url)[1]
    assert [one.text for one in made.values()] == [f"echo: {at}" for at in range(4)]
    assert len(server.seen) == 5
    with serve(*[broken] * 9) as server, pytest.raises(UserError, match="what was finished is kep"):
        ask(server.url, retries=2)
    assert len(server.seen) == 3


def test_a_stall_is_asked_again():
    """A server that says nothing for options.timeout seconds is asked again."""
    with serve("say nothing") as server:
        assert len(ask(server.url, timeout=0.3)[1]) == 4


@pytest.mark.parametrize(
    ("body", "sentence"),
    [(PAGE, "no stream \\(Open WebUI\\); does endpoint end in /v1"),
     (b'{"error": "Unexpected endpoint"}', "no stream \\(Unexpected endpoint\\)"),
     (b'{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}', "stream: false")],
)  # fmt: skip
def test_what_is_no_stream_ends_the_job_at_once(body, sentence):
    """HTML or JSON in place of a stream is one sentence and one request."""
    with serve(body) as server, pytest.raises(UserError, match=sentence):
        ask(server.url)
    assert len(server.seen) == 1


def test_a_whole_answer_is_taken_where_no_stream_is_asked_for():
    """stream: false takes an answer in one piece, which needs its finish reason, too."""
    whole = {"choices": [{"message": {"content": "Paris"}, "finish_reason": "length"}]}
    with serve(json.dumps(whole | {"usage": {"prompt_tokens": 5}}).encode()) as server:
        made = ask(server.url, prompts=1, stream=False)[1]["p0"]
    assert made[1:5] == ("Paris", 5, None, "length")
    assert not {"stream_options"} & server.seen[0][2].keys()
    whole["choices"][0].pop("finish_reason")
    with serve(json.dumps(whole).encode()) as server, pytest.raises(UserError, match="finish reas"):
        ask(server.url, prompts=1, stream=False, retries=0)


@pytest.mark.parametrize("word", ["eos_token", "COMPLETE", "end_turn", "MAX_TOKENS"])
def test_other_servers_words_for_an_end_are_known(word):
    """TGI, Cohere and gateways say stop and length in words of their own."""
    with serve(stream({**WHOLE, "finish_reason": word})) as server:
        made = ask(server.url, prompts=1)[1]["p0"]
    assert made.finish_reason == ("length" if word == "MAX_TOKENS" else "stop")


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (None, None)),
        ({"prompt_tokens": None, "completion_tokens": None}, (None, None)),
        ({"completion_tokens": 3}, (None, 3)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (None, None)),
        ({"prompt_tokens": 7, "completion_tokens": "3"}, (7, None)),
    ],
)
def test_tokens_that_a_server_does_not_say_are_null(usage, tokens):
    """No words are counted as tokens, and no zero is believed."""
    with serve(stream({"delta": None}, WHOLE, usage=usage)) as server:
        made = ask(server.url, prompts=1)[1]["p0"]
    assert (made.prompt_tokens, made.generated_tokens) == tokens


def test_a_cut_after_the_proof_costs_the_usage_alone():
    """An answer that is finished is kept, though the connection ends before its usage."""
    with serve(stream(WHOLE, done=False) + b'data: {"choi') as server:
        made = ask(server.url, prompts=1)[1]["p0"]
    assert (made.text, made.generated_tokens, len(server.seen)) == ("Paris", None, 1)


@pytest.mark.parametrize(
    "trouble",
    [
        (400, {"error": {"message": "the prompt triggers the content management policy"}}),
        (400, {"error": {"message": "maximum context length is 2048 tokens", "code": 400}}),
        (413, {"error": {"message": "no"}}),
        (403, {"error": {"message": "your input was flagged", "code": 403}}),
        (422, {"detail": "cannot be served"}),
        stream({**HALF, "finish_reason": "content_filter"}),
        stream({**HALF, "finish_reason": "tool_calls"}),
        stream({"delta": {"refusal": "I cannot"}}, {"finish_reason": "stop"}),
        b'data: {"error": {"message": "filtered", "code": "content_filter"}}\n\n',
    ],
)
def test_one_prompt_that_is_refused_costs_no_other(trouble):
    """A refusal is of its prompt, with the server's words; the others are answered."""
    with serve(trouble) as server:
        made = ask(server.url)[1]
    kinds = [type(made[f"p{at}"]) for at in range(4)]
    assert kinds == [Refusal, Completion, Completion, Completion]
    assert len(server.seen) == 4 and made["p0"].reason


def test_a_request_that_is_refused_whatever_its_prompt_ends_the_job():
    """Without one answer, refusals that name no prompt are the request's, not 1,000 prompts'."""
    trouble = (400, {"error": {"message": "no"}})
    with serve(*[trouble] * 40) as server, pytest.raises(UserError, match="each prompt that it"):
        ask(server.url, prompts=40)
    assert len(server.seen) == 16


PARAMETER = {"error": {"message": "Unsupported value: 'temperature'", "param": "temperature"}}
FORBIDDEN = {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (FORBIDDEN, r"refuses seed \(body.seed: Extra inputs.*options: {seed: null} leaves it out"),
        (PARAMETER, "refuses temperature .*the server then chooses the temperature"),
        ({"error": {"message": "Unrecognized request argument supplied: top_p"}}, "refuses top_p"),
    ],
)
def test_a_key_that_a_server_forbids_is_named(body, sentence):
    """What is wrong with the request's keys ends the job, with the way to leave them out."""
    with serve((422, body)) as server, pytest.raises(UserError, match=sentence):
        ask(server.url)
    assert len(server.seen) == 1


def test_null_leaves_a_key_out():
    """A key of options that is null is not sent; max_tokens is sent by its newer name."""
    keys = ("temperature", "top_p", "seed", "stop", "max_tokens", "stream_options")
    with serve() as server:
        ask(server.url, prompts=1, **dict.fromkeys(keys))
        ask(server.url, prompts=1, chat=False, max_tokens=None)
    chat, plain = (body for _, _, body, _ in server.seen)
    assert {*chat} == {"model", "messages", "stream", "max_completion_tokens"}
    assert chat["max_completion_tokens"] == 16
    assert not {"max_tokens", "max_completion_tokens"} & {*plain}


def test_the_users_words_to_the_template_are_kept():
    """chat_template_kwargs of extra_body and thinking both reach the server."""
    extra = {"chat_template_kwargs": {"reasoning_effort": "low"}, "top_k": 3}
    with serve() as server:
        ask(server.url, prompts=1, thinking=False, extra_body=extra)
    sent = server.seen[0][2]
    assert sent["chat_template_kwargs"] == {"reasoning_effort": "low", "enable_thinking": False}
    assert sent["top_k"] == 3


def test_a_server_that_drips_for_ever_ends_the_job():
    """total_timeout bounds a request whose bytes never stop."""
    slow = serve(reply=lambda prompt: iter(lambda: time.sleep(0.02), 1))
    with slow as server, pytest.raises(UserError, match=r"options.total_timeout \(0.3 s\)"):
        ask(server.url, total_timeout=0.3)


@pytest.mark.parametrize(
    ("wait", "requests"),
    [("Wed, 21 Oct 2015 07:28:00 GMT", 5), ("soon", 5), ("-1", 5), ("nan", 5)],
)
def test_a_wait_that_cannot_be_read_is_ours(wait, requests):
    """A date of the past and nonsense in Retry-After are waited for as if it were not there."""
    with serve(429, retry_after=wait) as server:
        ask(server.url)
    assert len(server.seen) == requests


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_wait_that_is_too_long_is_told(wait):
    """A Retry-After beyond options.longest_wait ends the job at once."""
    with serve(429, retry_after=wait) as server, pytest.raises(UserError, match="longest_wait"):
        ask(server.url)
    assert len(server.seen) == 1


def test_no_proxy_stands_before_loopback(monkeypatch):
    """HTTP and SOCKS proxies of the environment are not used for a server on this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with serve() as server:
        assert len(ask(server.url)[1]) == 4


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("OPENAI_API_KEY", "sk-a\n", "the key in OPENAI_API_KEY holds white space"),
        ("OPENAI_API_KEY", "sk-\u00e9", "another character that no key has"),
        ("SSL_CERT_FILE", "/no/such.pem", "certificates /no/such.pem does not exist"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE: the file of certificates .* cannot be read"),
        ("ALL_PROXY", "socks5://me:secret@127.0.0.1:9", r"ALL_PROXY \(127.0.0.1:9\) is a SOCKS"),
        ("HTTP_PROXY", "odd://h:9", r"HTTP_PROXY \(odd://h:9\) is not a usable proxy"),
        ("HTTP_PROXY", "http://u:secret@127.0.0.1:9", r"proxy HTTP_PROXY \(127.0.0.1:9\)"),
    ],
)
def test_what_is_wrong_with_the_environment_is_named(monkeypatch, name, value, sentence):
    """Each is one sentence that names the variable, and no password."""
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=sentence) as told:
        ask("http://server.invalid/v1", retries=0)
    assert "secret" not in f"{told.value}"


def test_a_redirect_is_told():
    """What has moved is not followed: the second request might go without the prompt."""
    with serve(302) as server, pytest.raises(UserError, match="answers 302: it has moved"):
        ask(server.url)


def test_the_server_says_who_it_is():
    """The models and fingerprints that a server names are in what the engine says of itself."""
    with serve(stream(WHOLE)) as server:
        engine, _ = ask(server.url)
    assert engine.about()["served_models"] == ["m-1", "tiny"]
    assert engine.about()["system_fingerprints"] == ["f"]
