"""What an entry tells a chat template, what is refused, and which models' stop strings wait."""

import json
from types import SimpleNamespace

import pytest
from slmrag.config import chat_options
from slmrag.config.load import load
from slmrag.dag.local_files import _check_chat_options
from slmrag.errors import UserError
from slmrag.generation.cache_key import cache_key
from slmrag.generation.generation_job import GenerationJob

from tests.config.test_load import MINIMAL, edited
from tests.models.tiny_model import CHAT, make_tokenizer

TURN = "{% for m in messages %}<u>{{ m.content }}{% endfor %}<a>"
GRANITE = "{% if thinking %}Here is my thought process: {% endif %}" + TURN
DEEPSEEK = (
    "{% if not thinking is defined %}{% set thinking = false %}{% endif %}" + TURN +
    "{% if thinking %}<think>{% else %}</think>{% endif %}"
)  # fmt: skip
ALWAYS = TURN + "<think>\n"
OLDER = "{% set said = 'x</think>y'.split('</think>') %}" + TURN
GPT_OSS = TURN + "{% if 0 %}<|start|>assistant<|channel|>analysis<|message|>{% endif %}"
MAGISTRAL = "Think first: [THINK]thoughts[/THINK]. " + TURN


def job_of(tmp_path, template=None, common=None, **entry):
    """Return the job of a model with a chat template in its tokenizer."""
    folder = tmp_path / "model"
    make_tokenizer(folder)
    (folder / "config.json").write_text(
        json.dumps({"max_position_embeddings": 64, "eos_token_id": 2})
    )
    if template:
        (folder / "chat_template.jinja").write_text(template)
    entry = {"engine": "transformers", **entry}
    params = SimpleNamespace(model=entry, sampling={"max_tokens": 8, **(common or {})})
    made = GenerationJob.of(SimpleNamespace(checkpoint=[folder], manifest=[]), params)
    return made


@pytest.mark.parametrize(
    ("template", "entry", "sentence"),
    [
        (GRANITE, {"thinking": True}, r"never reads enable_thinking; it reads thinking: .*kwargs"),
        (DEEPSEEK, {"thinking": True}, r"it reads thinking: remove the key and set chat_template_"),
        (TURN, {"thinking": True}, r"it reads no switch; remove the key"),
        (MAGISTRAL, {"thinking": False}, r"thinking: false: the chat template makes the model rea"),
        (ALWAYS, {"thinking": False}, r"thinking: false: the chat template makes the model rea"),
        (
            CHAT,
            {"chat_template_kwargs": {"enable_thinkin": True}},
            "did you mean 'enable_th",
        ),
        (
            GRANITE,
            {"chat_template_kwargs": {"effort": 1}},
            r"effort: .*; it reads thinking",
        ),
        (None, {"chat_template_kwargs": {"thinking": True}}, "has no chat template; set"),
        (None, {"thinking": True}, "has no chat template; set"),
    ],
)
def test_a_wish_that_the_template_does_not_read_is_refused(tmp_path, template, entry, sentence):
    """The sentence names what the template reads, in a job and, where it is here, before one."""
    made = job_of(tmp_path, template, **entry)
    with pytest.raises(UserError, match=sentence):
        _ = made.engine_config
    raw = edited(("models/tiny", {"checkpoint": str(tmp_path / "model"), **entry}))
    with pytest.raises(UserError, match=sentence):
        _check_chat_options(load(raw).models["tiny"], "nowhere")


@pytest.mark.parametrize(
    ("template", "entry"),
    [
        (CHAT, {"thinking": True}),
        (CHAT, {"thinking": False}),
        (ALWAYS, {"thinking": True}),
        (GRANITE, {"thinking": False}),
        (GRANITE, {"chat_template_kwargs": {"thinking": True}}),
        (GRANITE, {"chat_template_kwargs": {"thinking": True}, "thinking": True}),
        (DEEPSEEK, {"chat_template_kwargs": {"thinking": True}}),
        (None, {"thinking": False}),
    ],
)
def test_a_wish_that_is_read_or_fulfilled_is_none_to_refuse(tmp_path, template, entry):
    """A switch of any name, reasoning that comes by itself, and none where none is wanted."""
    assert job_of(tmp_path, template, **entry).engine_config.chat == (template is not None)


def test_arguments_reach_the_prompt(tmp_path):
    """chat_template_kwargs are what the template reads; the cache key is the same without them."""
    row = {"question_id": "q", "question": "who?", "passages": [], "template": "{{ question }}"}
    on = job_of(tmp_path, GRANITE, chat_template_kwargs={"thinking": True})
    off = job_of(tmp_path, GRANITE)
    assert on.formatter.prompt(row).text == "Here is my thought process: <u>who?<a>"
    assert off.formatter.prompt(row).text == "<u>who?<a>"
    assert cache_key(on) == cache_key(off)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"thinking": False, "chat_template_kwargs": {"thinking": True}}, "thinking: false says"),
        ({"thinking": True, "chat_template_kwargs": {"enable_thinking": False}}, "true says other"),
        ({"chat_template_kwargs": {"messages": []}}, "messages: every chat template gets it"),
        ({"thinking": True, "chat_template": "none"}, "thinking: chat_template: none leaves no"),
        (
            {"chat_template": "none", "chat_template_kwargs": {"a": 1}},
            "kwargs: chat_templ",
        ),
        (
            {
                "chat_template_kwargs": {"a": 1},
                "options": {"extra_body": {"chat_template_kwargs": {"a": 2}}},
            },
            r"kwargs\.a: options\.extra_body says otherwise",
        ),
        (
            {
                "thinking": True,
                "options": {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}},
            },
            "thinking: true says otherwise",
        ),
    ],
)
def test_wishes_that_contradict_are_refused_in_the_config(entry, sentence):
    """Two ways to say one thing must say the same."""
    with pytest.raises(UserError, match=sentence):
        load(edited(("models/tiny", MINIMAL["models"]["tiny"] | entry)))


def test_an_endpoint_gets_what_three_keys_say():
    """The user's own arguments, the model's, and thinking are one table, part of the cache key."""
    body = {"extra_body": {"chat_template_kwargs": {"a": 1}}}
    entry = {"chat_template_kwargs": {"b": 2}, "thinking": True, "options": body}
    whole = {"a": 1, "b": 2, "enable_thinking": True}
    assert chat_options.chat_arguments(entry) == whole

    def told(**entry):
        entry = {"engine": "openai", "endpoint": "http://x", "served_name": "m", **entry}
        params = SimpleNamespace(model=entry, sampling={})
        made = GenerationJob.of(SimpleNamespace(checkpoint=[], manifest=[]), params)
        return cache_key(made).get("chat_template_kwargs")

    assert told(**entry) == whole
    assert told(thinking=True, options=body) == {"a": 1, "enable_thinking": True}
    assert told(options=body) is told(thinking=True) is told() is None


@pytest.mark.parametrize(
    ("template", "entry", "waits"),
    [
        (CHAT, {}, False),
        (CHAT, {"thinking": True}, True),
        (CHAT, {"reasoning": "think"}, True),
        (CHAT, {"reasoning": {"end": "x"}}, True),
        (ALWAYS, {}, True),
        (ALWAYS, {"reasoning": "none"}, False),
        (ALWAYS, {"reasoning": "auto"}, True),
        (OLDER, {}, False),
        (GPT_OSS, {}, True),
        (MAGISTRAL, {}, True),
        (GRANITE, {}, False),
        (GRANITE, {"chat_template_kwargs": {"thinking": True}}, True),
        (DEEPSEEK, {}, False),
        (DEEPSEEK, {"chat_template_kwargs": {"thinking": True}}, True),
        (TURN, {}, False),
        (None, {}, False),
    ],
)
def test_stop_strings_wait_where_a_model_reasons(tmp_path, template, entry, waits):
    """No engine gets them there, and the cache key is that without; else nothing changes."""
    made = job_of(tmp_path, template, {"stop": ["\n"]}, **entry)
    assert made.engine_config.sampling.stop == (() if waits else ("\n",))
    assert made.extractor.stop == (("\n",) if waits else ())
    assert cache_key(made)["sampling"]["stop"] == ([] if waits else ["\n"])


def test_without_stop_strings_reasoning_changes_no_key(tmp_path):
    """A config of before has the cache key of before: nothing new stands in it."""
    made = job_of(tmp_path, CHAT, thinking=True)
    assert set(cache_key(made)) == {
        "engine", "engine_revision", "checkpoint", "entry", "adapter", "sampling", "chat"
    }  # fmt: skip
    assert cache_key(made)["entry"] == {"engine": "transformers", "thinking": True, "options": {}}
    named = job_of(tmp_path, CHAT, thinking=True, reasoning="think")
    assert cache_key(named) == cache_key(made)


def test_tags_that_are_special_tokens_are_kept_and_said_in_the_key(tmp_path):
    """The engine leaves out the others by hand; only such a checkpoint's cache key says so."""
    made = job_of(tmp_path)
    file = tmp_path / "model/tokenizer.json"
    known = json.loads(file.read_text())
    known["added_tokens"] += [
        {**known["added_tokens"][0], "id": 500 + at, "content": text}
        for at, text in enumerate(["[THINK]", "[/THINK]"])
    ]
    assert made.engine_config.dropped_tokens is None
    file.write_text(json.dumps(known))
    made = GenerationJob(made.entry, made.sampling, {}, made.folder)
    assert cache_key(made)["kept"] == ["[/THINK]", "[THINK]"]
    assert (
        "<s>" in made.engine_config.dropped_tokens
        and "[THINK]" not in made.engine_config.dropped_tokens
    )
