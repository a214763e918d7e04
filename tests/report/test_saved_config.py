"""The config that a report saves: it can be run again, and says what it leaves out."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
import report_comparison
import yaml
from slmrag.config.load import load
from slmrag.config.redaction import redact_values
from slmrag.errors import UserError
from slmrag.prompts.template import prompt_digest
from slmrag.report.analysis.experiment import read_experiment, resource_name
from slmrag.report.analysis.job_records import JobRecords
from slmrag.report.analysis.provenance import template_rows
from slmrag.report.saved_config import config_text

from tests.report.made_up import MadeUp
from tests.report.test_report import Page

ROOT = Path(__file__).parents[2]
CONFIGS = [*sorted((ROOT / "config").glob("*.yaml")), ROOT / "tests/config/everything.yaml"]
AWKWARD = {
    "experiment": "007",
    "tracking": {"mode": "off"},
    "modes": {"m": {"context": "none", "prompt": "p\u00e4th: #1.jinja"}},
    "datasets": {"on": {"object": "no", "format": "jsonl", "columns": {"answers": "null"}}},
    "objects": {"no": {"uri": "data/1.jsonl"}},
    "models": {"1e3": {"engine": "echo", "stop": ["\n", "yes: "], "options": {"answer": "~"}}},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small experiment."""
    return MadeUp(tmp_path_factory.mktemp("made"), models=("tiny",), questions=6)


def saved(made, told):
    """Return the text of a config as the report of ``made`` would save it."""
    seen = JobRecords(config=redact_values(told))
    return config_text(replace(read_experiment(made.input, made.params), job_records=seen))


@pytest.mark.parametrize(
    "raw", [*CONFIGS, AWKWARD], ids=lambda raw: getattr(raw, "name", "awkward")
)
def test_a_saved_config_is_the_config(made, raw):
    """Each config of the repository, and one of awkward words, is the same when read again."""
    raw = yaml.safe_load(raw.read_text()) if isinstance(raw, Path) else raw
    config = load(raw)
    again = load(yaml.safe_load(saved(made, config.model_dump(mode="json", exclude_none=True))))
    assert again == config


def test_what_is_masked_or_local_is_said(made):
    """The comment names each masked value, each file of the machine, and each template's digest."""
    entry = {"engine": "openai", "options": {"api_key": "k-123456"}, "adapter": "lora/mine"}
    head = saved(made, made.redacted_config | {"models": {"m": entry}}).partition("\nexperiment")[0]
    assert "k-123456" not in head
    assert "Redacted, to be filled in before a run: models.m.options.api_key." in head
    assert "models.m.adapter: lora/mine" in head and "objects.facts.uri: data/facts.jsonl" in head
    assert f"modes.no_context: {prompt_digest('{{ question }}')}" in head
    assert all(line.startswith("#") for line in head.splitlines())


def test_a_masked_value_is_not_run(made):
    """A saved config whose secret was not put back is refused with the secret's place."""
    raw = yaml.safe_load((ROOT / "tests/config/everything.yaml").read_text())
    raw["models"] = {"m": {"engine": "echo", "options": {"api_key": "k-123456"}}}
    told = load(raw).model_dump(mode="json", exclude_none=True)
    with pytest.raises(UserError, match=r"models\.m\.options\.api_key: \[redacted\] stands for"):
        load(yaml.safe_load(saved(made, told)))


def test_a_line_break_in_a_value_stays_in_the_comment(made):
    """A path of two lines cannot put a line of its own into the file."""
    told = made.redacted_config | {"expected": "a\nmodels: {}\nb"}
    assert yaml.safe_load(saved(made, told)) == told


def test_the_page_saves_the_file_of_the_report(made):
    """The link on the page holds config.yaml, byte by byte."""
    report_comparison.main(made.input, made.output, made.params)
    html = made.output.html.read_text()
    text = base64.b64decode(re.search(r"application/yaml;base64,([A-Za-z0-9+/=]+)", html)[1])
    assert text == made.output.config.read_bytes()
    assert yaml.safe_load(text) == made.redacted_config


def test_chat_templates_and_the_judge_s_are_told(made, tmp_path):
    """A chat template that is a file, and the judge's template, stand by their users."""
    chat, judge = tmp_path / "chat.jinja", tmp_path / "judge.jinja"
    chat.write_text("<user>{{ messages[0].content }}")
    judge.write_text("Right?")
    inputs, params = made.input, made.params
    inputs.chat_templates, inputs.judge_templates = [chat], [judge]
    params.models["tiny"]["chat_template"] = f"{tmp_path}/./chat.jinja"
    found = {row["what"]: row for row in template_rows(read_experiment(inputs, params))}
    assert found["models.tiny"]["value"] == prompt_digest(chat.read_text())
    assert found["judge"]["text"] == "Right?"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("resources/raw/nq-0123abcd", "raw/nq"),
        ("/resources/my/resources/indexes/wiki/bm25", "indexes/wiki/bm25"),
        ("resources/indexes/wiki-0123abcd/bm25-89abcdef", "indexes/wiki/bm25"),
        ("elsewhere/models/m_0.6b", "models/m_0.6b"),
    ],
)
def test_a_place_is_named_without_its_digest(path, place):
    """What lies below resources/ is known by its kind and its entries' names."""
    assert resource_name(Path(path)) == place


def test_modes_are_told_apart_by_their_templates(made):
    """The table of modes names each mode's template with its digest."""
    report_comparison.main(made.input, made.output, made.params)
    rows = Page(made.output.html.read_text()).rows("modes")
    digest = prompt_digest("{{ question }}")[:12]
    assert [row["mode"][1] for row in rows] == list(made.params.modes)
    assert {(row["template"][1], row["digest"][1]) for row in rows} == {("p.jinja", digest)}
