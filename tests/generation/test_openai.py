"""The openai engine against a server that speaks its protocol."""

import json
import socket
from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest
from slmrag.errors import UserError
from slmrag.generation.answer_extraction import AnswerExtractor
from slmrag.generation.cache_key import cache_key
from slmrag.generation.engines import openai_answer as endpoint
from slmrag.generation.engines.openai_answer import REASONING_FIELDS
from slmrag.generation.generation_job import GenerationJob

from tests.generation.conftest import job_spec, write_prompts
from tests.generation.fake_endpoint import serve

pytestmark = pytest.mark.slow

pytest.importorskip("openai")


@pytest.fixture
def ask(tmp_path):
    """Run a job of six prompts against an endpoint."""
    table = write_prompts(tmp_path / "cell.parquet", 6)

    def run(url, options=None, **entry):
        entry = {"engine": "openai", "endpoint": url, "served_name": "tiny", **entry}
        if options:
            entry["options"] = options
        spec = job_spec(tmp_path, [table], None, **entry)
        parts = (SimpleNamespace(**spec[name]) for name in ("input", "output", "params"))
        result = generate_answers.main(*parts)
        return result, pl.read_parquet(spec["output"]["answers"][0])

    return run


def test_a_chat_endpoint_answers_every_question(ask, tmp_path):
    """Prompts go out as user messages, and answers, tokens and times come back."""
    with serve() as server:
        result, table = ask(server.url)
    assert result["generated"] == 6
    assert table["answer"].to_list() == [f"echo: {i}?" for i in range(6)]
    assert set(table["generated_tokens"]) == {2}
    times = pl.read_parquet(tmp_path / "out" / "cell.times.parquet")
    assert 0 < times["work_seconds"].sum() <= result["generation_seconds"] + 0.001
    path, _, body, _ = server.seen[0]
    assert path == "/v1/chat/completions"
    assert body["messages"][0]["role"] == "user"
    assert (body["temperature"], body["max_tokens"], body["seed"]) == (0.0, 12, 0)


def test_a_base_model_is_asked_for_a_completion(ask):
    """chat_template: none sends the plain prompt to /completions."""
    with serve() as server:
        ask(server.url, chat_template="none")
    assert {path for path, *_ in server.seen} == {"/v1/completions"}
    assert server.seen[0][2]["prompt"].endswith("Answer:")


def test_thinking_reaches_the_servers_template(ask):
    """thinking is passed on as the template's argument."""
    with serve() as server:
        ask(server.url, thinking=False)
    assert server.seen[0][2]["chat_template_kwargs"] == {"enable_thinking": False}


def test_arguments_of_the_template_are_merged_for_the_server(ask):
    """The user's, the model's and thinking go out together, to a chat alone."""
    extra = {"extra_body": {"chat_template_kwargs": {"a": 1}}}
    with serve() as server:
        ask(server.url, options=extra, thinking=True, chat_template_kwargs={"b": 2})
        ask(server.url, chat_template="none", thinking=False)
    bodies = [body for _, _, body, _ in server.seen]
    assert bodies[0]["chat_template_kwargs"] == {"a": 1, "b": 2, "enable_thinking": True}
    assert "chat_template_kwargs" not in bodies[-1]


def test_stop_strings_are_not_sent_to_a_server_whose_model_reasons(ask):
    """They end the answer once the reasoning is over, and else the server gets them."""
    said = ["<think>\nQuestion: which?", "</think>\n\nDanube", "\nQuestion: next"]
    with serve(reply=lambda _: said) as server:
        _, table = ask(server.url, thinking=True, stop=["Question:"])
        ask(server.url, stop=["Question:"])
    assert set(table["answer"]) == {"Danube"} and set(table["finish_reason"]) == {"stop"}
    assert table["raw_answer"][0] == "<think>\nQuestion: which?</think>\n\nDanube\n"
    assert [body.get("stop") for _, _, body, _ in (server.seen[0], server.seen[-1])] == [
        None,
        ["Question:"],
    ]


@pytest.mark.parametrize("field", REASONING_FIELDS)
def test_what_a_server_tells_apart_as_reasoning_is_kept_and_no_answer(field):
    """It stands before the answer within tags; without an answer it is unfinished."""

    def joined(*deltas):
        said = endpoint.PartialAnswer(chat=True)
        for one in deltas:
            said.add_chunk({"choices": [{"delta": one}]})
        return said.text

    thought = [{field: "I"}, {field: " think </think>", "content": None}]
    whole = joined({"content": ""}, *thought, {"content": "Da"}, {"content": "nube"})
    assert whole == "<think>\nI think </think >\n</think>\n\nDanube"
    assert AnswerExtractor().extract(whole).answer == "Danube"
    assert AnswerExtractor().extract(joined(*thought))[1:3] == ("", "unfinished")
    assert joined({"content": "Danube", field: None}) == "Danube"


@pytest.mark.parametrize("trouble", [(429, 429), (500, 503), ("hang up",)])
def test_passing_trouble_is_tried_again(ask, trouble):
    """429, 5xx and a cut connection cost a retry, not an answer."""
    with serve(*trouble) as server:
        result, table = ask(server.url)
    assert result["generated"] == table.height == 6
    assert len(server.seen) == 6 + len(trouble)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "answers 401: it refuses the key; export"),
        (404, "answers 404: it knows no such path or model"),
        (429, "answers 429: it is busy even after all retries"),
        (500, "answers 500: it fails even after all retries"),
    ],
)
def test_lasting_trouble_is_one_sentence_and_costs_nothing_finished(
    ask, tmp_path, status, sentence
):
    """An endpoint that keeps failing is named with what to do; finished answers stay."""
    options = {"retries": 1, "concurrency": 1}
    with serve(*([status] * 20)) as server, pytest.raises(UserError, match=sentence):
        ask(server.url, options)
    with serve() as server:
        assert ask(server.url, options)[0]["generated"] == 6


def test_an_endpoint_that_is_not_there_is_one_sentence(ask):
    """No server gives the endpoint and a question, not a traceback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(UserError, match=r"does not answer .*is the server up"):
        ask(url, {"retries": 0})


def test_an_endpoint_that_says_nothing_is_one_sentence(ask):
    """A request without an answer ends after options.timeout, with the endpoint's name."""
    with (
        serve(*["say nothing"] * 6) as server,
        pytest.raises(UserError, match=r"does not answer .*is the server up"),
    ):
        ask(server.url, {"retries": 0, "timeout": 0.5})


def test_retry_after_is_obeyed(ask):
    """A busy endpoint is asked again no sooner than it wishes."""
    with serve(429, retry_after="1.5") as server:
        ask(server.url, {"concurrency": 1})
    first, second = (at for *_, at in server.seen[:2])
    assert second - first >= 1.5


def test_the_rate_limit_holds(ask):
    """requests_per_second spaces the requests."""
    with serve() as server:
        ask(server.url, {"requests_per_second": 50})
    times = sorted(at for *_, at in server.seen)
    assert times[-1] - times[0] >= 5 / 50 * 0.8


def test_the_key_comes_from_the_environment_alone(ask, tmp_path, monkeypatch):
    """The key is sent, and stands in no file that the job writes."""
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with serve() as server:
        ask(server.url, {"api_key_env": "MY_KEY"})
    headers = {name.lower(): value for name, value in server.seen[0][1].items()}
    assert headers["authorization"] == "Bearer sk-very-secret"
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"very-secret" in data for data in written)


def test_a_missing_key_is_one_sentence(ask):
    """An unset variable is named."""
    with pytest.raises(UserError, match="the environment has no NO_SUCH_KEY"):
        ask("http://127.0.0.1:1/v1", {"api_key_env": "NO_SUCH_KEY"})


def test_eight_bits_are_not_the_endpoints_business(ask):
    """load_in_8bit is refused where it would do nothing."""
    with pytest.raises(UserError, match="load_in_8bit does nothing with engine: openai"):
        ask("http://127.0.0.1:1/v1", load_in_8bit=True)


def test_the_endpoint_is_in_the_records(ask, tmp_path):
    """The engine's record names the endpoint that answered."""
    with serve() as server:
        ask(server.url)
    lines = [json.loads(x) for f in tmp_path.rglob("*.jsonl") for x in f.read_text().splitlines()]
    assert {x["engine"]["endpoint"] for x in lines if "digest" not in x} == {server.url}


def test_tokens_that_the_server_does_not_say_are_null_in_every_table(ask, tmp_path):
    """An answer without usage has no tokens, its run no sums, its cell no cost and no mean."""
    choice = {"delta": {"content": "Paris"}, "finish_reason": "stop"}
    silent = f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n".encode()
    with serve(silent) as server:
        result, table = ask(server.url)
    assert result["generated"] == 6 and "tokens_per_second" not in result
    assert table["generated_tokens"].null_count() == table["prompt_tokens"].null_count() == 1
    times = pl.read_parquet(tmp_path / "out" / "cell.times.parquet")
    assert times["work_seconds"].null_count() == 6


def test_the_seed_counts_where_the_server_chooses_the_temperature(tmp_path):
    """temperature: null is in the cache key, and with it the seed that greedy decoding lacks."""

    def key(seed, options):
        entry = {"engine": "openai", "endpoint": "e", "served_name": "m", "options": options}
        params = SimpleNamespace(model=entry, sampling={"seed": seed})
        return cache_key(GenerationJob.of(SimpleNamespace(checkpoint=[], manifest=[]), params))

    assert key(1, {}) == key(2, {}) != key(1, {"temperature": None})
    assert key(1, {"temperature": None}) != key(2, {"temperature": None})
    assert key(1, {"total_timeout": 5}) == key(1, {})
