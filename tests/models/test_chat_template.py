"""The rendered prompt is what Transformers' apply_chat_template renders, template by template."""

import json
from datetime import datetime

import pytest
from slmrag.errors import UserError
from slmrag.models import chat_template
from slmrag.models.chat_template import template_of
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.thinking import template_variables
from slmrag.prompts.prompt_formatter import PromptFormatter

from tests.models.tiny_model import make_tokenizer

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

TURNS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
SHAPES = {
    "llama3": (
        "{{- bos_token }}\n"
        "{%- if not date_string is defined %}\n"
        "    {%- if strftime_now is defined %}\n"
        '        {%- set date_string = strftime_now("%d %b %Y") %}\n'
        '    {%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}\n'
        "{%- endif %}\n"
        "{%- if not tools is defined %}{%- set tools = none %}{%- endif %}\n"
        "{%- if tools is not none %}\nEnvironment: ipython\n{%- endif %}\n"
        "Today Date: {{ date_string }}\n"
        "{%- for message in messages %}\n"
        "    {{- '<|h|>' + message['role'] + '\\n\\n'+ message['content'] | trim + '<|e|>' }}\n"
        "{%- endfor %}\n"
        "{%- if add_generation_prompt %}\n    {{- '<|h|>assistant\\n\\n' }}\n{%- endif %}\n"
    ),
    "qwen3": (
        "{%- if tools %}\n    {{- '# Tools' }}{%- for tool in tools %}{{- tool | tojson }}"
        "{%- endfor %}\n{%- endif %}\n"
        "{%- set ns = namespace(last=messages|length - 1) %}\n"
        "{%- for message in messages[::-1] %}\n"
        "    {%- if message.content is string and not message.content.startswith('<t>') %}\n"
        "        {%- set ns.last = loop.index0 %}\n    {%- endif %}\n{%- endfor %}\n"
        "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' "
        "+ message.content + '<|im_end|>' + '\\n' }}{%- endfor %}\n"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
        "{%- if enable_thinking is defined and enable_thinking is false %}"
        "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
    ),
    "granite": (
        "{%- if messages[0]['role'] == 'system' %}{%- set start = 1 %}{%- else %}"
        "{%- set start = 0 %}<|s|>Knowledge Cutoff.\nDate: {{ strftime_now('%B %d, %Y') }}.\n"
        "{%- if tools and documents %} both{%- elif tools %} tools{%- elif documents %} documents"
        "{%- elif thinking %} Here is my thought process:{%- else %} neither{%- endif %}"
        "{%- endif %}"
        "{%- for message in messages[start:] %}<|r|>{{ message['role'] }}\n"
        "{{ message['content'] }}<|end_of_text|>\n{%- if loop.last and add_generation_prompt %}"
        "<|r|>assistant{{ controls.length if controls is defined }}{%- endif %}{%- endfor %}"
    ),
    "mistral": (
        "{%- set loop_messages = messages %}{%- if not tools is defined %}{%- set tools = none %}"
        "{%- endif %}{{- bos_token }}{%- for message in loop_messages %}"
        "{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{- raise_exception('roles must alternate') }}{%- endif %}"
        "{%- if tools is not none and (message == loop_messages[-1]) %}"
        "{{- '[AVAILABLE_TOOLS]' + tools | tojson(indent=4) }}{%- endif %}"
        "{{- '[INST] ' + message['content'] + '[/INST]' }}{%- endfor %}{{ eos_token }}"
    ),
    "gemma": (
        "{{ bos_token }}{% for message in messages %}{% if message.role == 'assistant' %}"
        "{% set role = 'model' %}{% else %}{% set role = message.role %}{% endif %}"
        "{{ '<start_of_turn>' + role + '\n' }}{{ message.content | trim }}"
        "{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}"
        "{{'<start_of_turn>model\n'}}{% endif %}{{ image_token }}"
    ),
    "deepseek": (
        "{% if not thinking is defined %}{% set thinking = false %}{% endif %}"
        "{% set ns = namespace(sys='', first=true) %}{{ bos_token }}{{ ns.sys }}"
        "{% for m in messages %}<|User|>{{ m['content'] }}{% endfor %}<|Assistant|>"
        "{% if not thinking %}{{'</think>'}}{% else %}{{'<think>'}}{% endif %}"
    ),
    "generation": (
        TURNS + "{% generation %}{% set x = 1 %}<a>{{ x }}\n {% endgeneration %}[{{ x }}]"
    ),
    "documents": (
        TURNS + "{% if documents is not none %}{{ documents | tojson }}{% endif %}"
        "{% if documents is defined %}defined{% endif %}{{ pad_token }}{{ sep_token }}"
    ),
    "json": "{{ messages | tojson(true, 2, none, true) }}{{ {'b': 1, 'a': 'é<'} | tojson }}",
}
ARGUMENTS = [{}, {"thinking": True}, {"date_string": "1 Jan 2000", "documents": [{"text": "é"}]}]


def compared(folder, arguments):
    """Return our prompt for a question, and Transformers'."""
    from transformers import AutoTokenizer

    row = {"question_id": "q", "question": "Who <b>\n was it?\n", "passages": []}
    read = PromptFormatter({"chat_template_kwargs": arguments}, 64, Checkpoint(folder))
    ours = read.prompt({**row, "template": "{{ question }}"}).text
    theirs = AutoTokenizer.from_pretrained(folder).apply_chat_template(
        [{"role": "user", "content": row["question"]}],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=False,
        **arguments,
    )
    return ours, theirs


def written(folder, template, edit=lambda settings: settings, **files):
    """Write a tokenizer with a chat template, edited settings, and other JSON files."""
    make_tokenizer(folder)
    (folder / "config.json").write_text('{"max_position_embeddings": 4096}')
    if template:
        (folder / "chat_template.jinja").write_text(template)
    settings = folder / "tokenizer_config.json"
    settings.write_text(json.dumps(edit(json.loads(settings.read_text()))))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda given: "+".join(given) or "plain")
@pytest.mark.parametrize("name", SHAPES)
def test_the_prompt_is_what_transformers_renders(tmp_path, monkeypatch, name, arguments):
    """For the shapes of real families, with and without their arguments; the day alone is ours."""
    monkeypatch.setattr(chat_template, "FIXED_DATE", f"{datetime.now():%d %b %Y}")
    read = template_variables(SHAPES[name])
    known = {key: value for key, value in arguments.items() if key in read}
    ours, theirs = compared(written(tmp_path, SHAPES[name]), known)
    assert ours == theirs


def without_bos(settings):
    """Leave out the first token's name."""
    return {key: value for key, value in settings.items() if key != "bos_token"}


@pytest.mark.parametrize(
    ("edit", "files"),
    [
        (without_bos, {"special_tokens_map": {"bos_token": "<s>"}}),
        (without_bos, {"special_tokens_map": {"bos_token": {"content": "<s>", "special": True}}}),
        (dict, {"special_tokens_map": {"bos_token": "</s>"}}),
        (without_bos, {}),
        (lambda s: {**s, "bos_token": None}, {}),
        (
            lambda s: {**without_bos(s), "added_tokens_decoder": {"1": {"content": "<s>"}}},
            {"special_tokens_map": {"bos_token": "<s>"}},
        ),
        (lambda s: {**s, "extra_special_tokens": {"image_token": "<i>"}}, {}),
        (lambda s: {**s, "image_token": "<i>"}, {}),
        (dict, {"added_tokens": {"<i>": 401}}),
    ],
)
def test_named_tokens_are_those_of_transformers(tmp_path, edit, files):
    """special_tokens_map.json counts where Transformers reads it, and tokens of other names too."""
    template = "[{{ bos_token }}|{{ eos_token }}|{{ image_token }}|{{ pad_token }}]"
    ours, theirs = compared(written(tmp_path, template, edit, **files), {})
    assert ours == theirs


def test_of_several_templates_the_default_is_taken(tmp_path):
    """A list without a default is refused, as Transformers refuses it."""
    named = [{"name": "rag", "template": "rag"}, {"name": "default", "template": TURNS}]
    folder = written(tmp_path, None, lambda s: {**s, "chat_template": named})
    assert len({*compared(folder, {})}) == 1
    written(folder, None, lambda s: {**s, "chat_template": named[:1]})
    with pytest.raises(UserError, match="chat templates for rag and no default; set chat_templ"):
        template_of(folder)
