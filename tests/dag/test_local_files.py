"""Templates and local files are tried before anything runs, and each mistake has its place."""

import json
import os

import pytest
from slmrag.config.load import load
from slmrag.dag.local_files import check_local_files, template_path
from slmrag.dag.resource_keys import keys
from slmrag.errors import UserError

from tests.config.test_load import edited
from tests.workflow.project import ROOT

LOOP = "{% for passage in passages %}{{ passage.text }}\n{% endfor %}{{ question }}"
CHAT = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with all that the minimal config names."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"questions.jsonl": "{}", "passages.tsv": "x", "p.jinja": LOOP}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def said(*edits):
    """Return what is said of the minimal config with edits; empty where all is there."""
    try:
        config = load(edited(*edits))
        check_local_files(config, keys(config, {}), str(ROOT))
    except UserError as error:
        return str(error)
    return ""


def test_a_whole_config_passes(folder):
    """One template may serve all modes: that without context gets no passages."""
    assert said() == ""


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ question }}", "never shows {{ passages }}, so context: retriever would be"),
        ("{{ question }}{{ passages | length }}", "never shows {{ passages }}"),
        ("{{ question }} passages", "never shows {{ passages }}"),
        ("{% if passages %}Context: {% endif %}{{ question }}", "never shows {{ passages }}"),
        ("{{ question }}{# passages #}", "never shows {{ passages }}"),
        ("{{ question }}{{ passages[0].text if passages }}", "shows 1 of 5 passages"),
        ("{{ question }}{% for p in passages[:3] %}{{ p.text }}{% endfor %}", "set passages: 3"),
        ("{% for p in passages %}{{ p.text }}{% endfor %}", "lacks {{ question }}"),
        ("{{ question }}\n{% for p in passages %}", "bm25.jinja, line 2: "),
        ("{{ question }}{{ passages[0].text }}", "bm25.jinja: list object has no element 0"),
        ("{{ question }}{% for p in passages %}{{ p.body }}{% endfor %}", "no attribute 'body'"),
        ("{{ question }}{{ context }}", "'context' is undefined"),
        ("{{ question }}{{ 1 / 0 }}", "bm25.jinja: division by zero"),
    ],
)
def test_a_template_that_would_not_do_is_refused(folder, template, expected):
    """A mode's template compiles, asks the question, and shows as many passages as the mode has."""
    (folder / "bm25.jinja").write_text(template)
    found = said(("modes/bm25_context/prompt", "bm25.jinja"))
    assert expected in found and found.count("modes.bm25_context.prompt: bm25.jinja") == 1


@pytest.mark.parametrize(
    "template",
    [
        "{% for p in passages %}{{ p.title | upper }}{% endfor %}{{ question }}",
        "{{ passages | map(attribute='text') | join(' ') }}{{ question }}",
        "{{ passages | tojson }}{{ question }}",
        "{% for p in passages | reverse %}{{ p.text[:99] }}{% endfor %}{{ question }}",
    ],
)
def test_a_template_may_show_passages_in_its_own_way(folder, template):
    """Titles alone, a join, JSON and another order are all uses of passages."""
    (folder / "p.jinja").write_text(template)
    assert said() == ""


def test_an_oracle_without_passages_in_its_template_is_refused(folder):
    """The oracle's mode is held to the same."""
    (folder / "q.jinja").write_text("{{ question }}")
    oracle = {"context": "oracle", "prompt": "q.jinja"}
    assert "modes.gold.prompt: q.jinja: never shows" in said(("modes/gold", oracle))


def test_our_templates_are_found_beside_the_snakefile(folder):
    """A prompt that lies beside the Snakefile is taken from there, a file of the user's first."""
    path = "config/prompts/with_context.jinja"
    assert os.path.samefile(template_path(path, str(ROOT)), ROOT / path)
    assert said(("modes/bm25_context/prompt", path)) == ""


def test_all_that_is_not_there_is_told_at_once(folder):
    """Objects, checkpoints, encoders, adapters, templates and scores are named in one message."""
    (folder / "passages.tsv").unlink()
    (folder / "empty").mkdir()
    found = said(
        ("modes/no_context/prompt", "gone.jinja"),
        ("objects/questions/uri", f"file://{folder}/nothing%20here.jsonl"),
        ("models/here", {"checkpoint": "models/here"}),
        ("models/half", {"checkpoint": str(folder / "empty")}),
        ("models/tiny/adapter", "lora"),
        ("models/tiny/chat_template", "chat.jinja"),
        ("retrievers/bm25", {"kind": "dense", "encoder": "enc", "query_encoder": "hf:a/b"}),
        ("expected", "mine.json"),
        ("storage", {"verify": "ca.pem"}),
        ("judge", {"model": {"engine": "echo"}, "datasets": ["quiz"], "prompt": "j.jinja"}),
    )
    assert "11 problems" in found
    assert "objects.questions.uri: file://" in found and "nothing%20here.jsonl does not" in found
    assert "objects.passages.uri: passages.tsv does not exist" in found
    assert "models.here.checkpoint: models/here does not exist; if it is a model" in found
    assert "models.half.checkpoint: " in found and "lacks config.json" in found
    assert "models.tiny.adapter: lora does not exist" in found
    assert "models.tiny.chat_template: 'chat.jinja' cannot be read" in found
    assert "retrievers.bm25.encoder: enc does not exist" in found
    assert "modes.no_context.prompt: 'gone.jinja' cannot be read" in found
    assert "expected: mine.json does not exist" in found and "storage.verify: ca.pem" in found
    assert "judge.prompt: 'j.jinja' cannot be read" in found


def test_what_no_cell_needs_is_not_asked_for(folder):
    """An entry that no mode leads to may name what is not there."""
    unused = {"kind": "dense", "encoder": "enc"}
    assert said(("retrievers/other", unused), ("objects/other", {"uri": "gone"})) == ""
    fused = {"kind": "rrf", "of": ["bm25", "other"]}
    mode = {"context": "retriever", "prompt": "p.jinja", "retriever": "fused"}
    found = said(("retrievers/other", unused), ("retrievers/fused", fused), ("modes/fused", mode))
    assert "retrievers.other.encoder: enc does not exist" in found


def test_a_source_that_was_taken_already_may_be_gone(folder):
    """Whoever has the copy of what was seen last needs the source no more; no other will do."""
    (folder / "questions.jsonl").unlink()
    taken = folder / "resources/raw"
    taken.mkdir(parents=True)
    (taken / "questions-01234567.json").write_text("{}")
    assert "objects.questions.uri: questions.jsonl does not exist" in said()
    (taken / f"{keys(load(edited()), {}).objects['questions']}.json").write_text("{}")
    assert said() == ""


def test_a_file_with_braces_in_its_name_is_there(folder):
    """Braces keep a file from Snakemake's eyes, not from ours."""
    (folder / "{x}.jsonl").write_text("{}")
    (folder / "all").mkdir()
    (folder / "all/{y}.jsonl").write_text("{}")
    assert said(("objects/questions/uri", "{x}.jsonl")) == ""
    assert said(("objects/questions/uri", "all")) == ""
    (folder / "none").mkdir()
    assert "objects.questions.uri: none holds no file" in said(("objects/questions/uri", "none"))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (CHAT, ""),
        ("{{ bos_token }}{% generation %}{{ messages[0]['content'] }}{% endgeneration %}", ""),
        (
            "{% for message in messages %}{{ message.text }}{% endfor %}",
            "does not show message.content",
        ),
        ("{% for message in messages %}", "chat.jinja: the chat template does not compile"),
        ("{{ raise_exception('no system message') }}", "refuses the prompt: no system message"),
    ],
)
def test_a_chat_template_is_tried(folder, template, expected):
    """A model's own chat template compiles and says what the user says."""
    (folder / "chat.jinja").write_text(template)
    found = said(("models/tiny/chat_template", "chat.jinja"))
    assert expected in found and bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ answers | join('|') }} {{ answer }}", ""),
        ("{{ question }} {{ answer }}", "lacks {{ answers }}"),
        ("{{ answers }}", "lacks {{ answer }}"),
        ("{{ reference }} {{ answer }}", "'reference' is undefined"),
        ("{{ answer }", "judge.jinja, line 1"),
    ],
)
def test_a_judges_template_is_tried(folder, template, expected):
    """A grading shows the references and the answer."""
    (folder / "judge.jinja").write_text(template)
    judge = {"model": {"engine": "echo"}, "datasets": ["quiz"], "prompt": "judge.jinja"}
    found = said(("judge", judge))
    assert expected in found and bool(found) == bool(expected)


@pytest.mark.parametrize(("text", "expected"), [("[]", ""), ("{", "no JSON"), ("{}", "no list")])
def test_expected_scores_are_read(folder, text, expected):
    """A file of expected scores is a list in JSON."""
    (folder / "mine.json").write_text(text)
    found = said(("expected", "mine.json"))
    assert expected in found and bool(found) == bool(expected)


def test_the_files_of_an_adapter(folder):
    """A LoRA adapter is a folder with two files."""
    (folder / "lora").mkdir()
    (folder / "lora/adapter_config.json").write_text(json.dumps({}))
    edit = ("models/tiny/adapter", "lora")
    assert "models.tiny.adapter: lora lacks adapter_model.safetensors" in said(edit)
    (folder / "lora/adapter_model.safetensors").touch()
    assert said(edit) == ""
