"""A name is what was typed, whatever YAML makes of it, and a number is a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.config.load import load, plain_values
from slmrag.config.yaml_files import merge_cli_config
from slmrag.errors import UserError
from slmrag.tracking.check import read_settings

TEXT = """\
experiment: NAME
objects: {NAME: {uri: NAME}}
datasets: {NAME: {object: NAME, format: dpr}, other: {object: NAME, format: dpr, columns: null}}
modes: {NAME: {context: none, prompt: NAME}, more: {context: none, prompt: p.jinja}}
models: {NAME: {engine: echo, revision: NAME, stop: [NAME, NAME]}}
skip: [{dataset: NAME, mode: NAME}]
"""
NAMES = ["007", "1.50", "2024_06", "52e4121", "no", "Off", "true", "0x1f", "2026-11-27", "1e3"]
NAMES += ["2024-13-45", "1:30", "'7'", '"no"']


def read(tmp_path, text, *settings):
    """Return the config of a file as people write it, and of a command line's settings."""
    (tmp_path / "config.yaml").write_text(text)
    return load(merge_cli_config([tmp_path / "config.yaml"], settings))


@pytest.mark.parametrize("typed", [name for name in NAMES if ":" not in name])
def test_a_name_is_what_was_typed(tmp_path, typed):
    """Where an entry is made and wherever it is mentioned, quoted or not, the name is its text."""
    config, name = read(tmp_path, TEXT.replace("NAME", typed)), typed.strip("'\"")
    assert (config.experiment, [*config.objects], config.skip[0].mode) == (name, [name], name)
    assert [*config.datasets] == [name, "other"] and config.datasets["other"].object == name
    assert config.models[name].revision == config.modes[name].prompt == name
    assert config.models[name].stop == [name, name]


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True))
def test_any_name_without_quotes_is_its_text_or_asks_for_quotes(tmp_path_factory, typed):
    """Whatever YAML would make of it: a number, a day, a truth; null alone is nothing."""
    text = TEXT.replace("NAME", typed)
    if typed.lower() == "null":
        with pytest.raises(UserError, match="quote it if it is a name"):
            read(tmp_path_factory.mktemp("n"), text)
        return
    config = read(tmp_path_factory.mktemp("n"), text)
    assert (config.experiment, [*config.objects], config.skip[0].mode) == (typed, [typed], typed)
    assert load(plain_values(config)) == config


@pytest.mark.parametrize("typed", ["null", "Null", "NULL", "~"])
def test_a_null_where_a_name_is_meant_asks_for_quotes(tmp_path, typed):
    """``object: null`` names nothing, and says so."""
    with pytest.raises(UserError, match="quote it if it is a name"):
        read(tmp_path, TEXT.replace("object: NAME", f"object: {typed}").replace("NAME", "x"))


REMOTE = "engine: openai, endpoint: http://localhost:1/v1"


@pytest.mark.parametrize("typed", NAMES)
def test_a_name_of_the_command_line_is_what_was_typed(tmp_path, typed):
    """``--config against=NAME`` and entries named there are read like the file's."""
    settings = f"against={typed}", f"models={{b: {{{REMOTE}, served_name: {typed}}}}}"
    name = typed.strip("'\"")
    if name == "1:30":
        with pytest.raises(UserError, match="against: '1:30' is no name"):
            read(tmp_path, TEXT.replace("NAME", "x"), *settings)
        return
    config = read(tmp_path, TEXT.replace("NAME", "x"), *settings)
    assert (config.against, config.models["b"].served_name) == (name, name)


@pytest.mark.parametrize(
    ("typed", "number"), [("010", 10), ("0100", 100), ("1_000", 1000), ("0x10", 16), ("8", 8)]
)
def test_a_number_is_read_as_people_count(tmp_path, typed, number):
    """A number that begins with 0 is not octal."""
    text = TEXT.replace("NAME", "x") + f"sampling: {{max_tokens: {typed}}}\n"
    assert read(tmp_path, text).sampling.max_tokens == number


def test_an_option_of_an_engine_is_what_yaml_makes_of_it(tmp_path):
    """Where anything may stand a number is a number, 1e-3 too, and a quoted one a text."""
    options = "{a: 5, b: 1e-3, c: 'off', d: off, e: [1, x], f: 2.50}"
    text = TEXT.replace("NAME", "x").replace("revision", f"options: {options}, revision")
    expected = {"a": 5, "b": 1e-3, "c": "off", "d": False, "e": [1, "x"], "f": 2.5}
    assert read(tmp_path, text).models["x"].options == expected


def test_minutes_and_seconds_are_no_number(tmp_path):
    """YAML 1.1 reads 1:30 as ninety."""
    text = TEXT.replace("NAME", "x").replace("revision", "runtime: 1:30, revision")
    with pytest.raises(UserError, match=r"models\.x\.runtime: input should be a valid integer"):
        read(tmp_path, text)


@pytest.mark.parametrize("typed", ["off", "'off'", "no", "False", "OFF", "false"])
def test_every_way_to_write_off_turns_tracking_off(tmp_path, typed):
    """Whatever YAML reads as false, and the word, in the file and on the command line."""
    text = TEXT.replace("NAME", "x")
    assert read(tmp_path, f"{text}tracking: {{mode: {typed}}}\n").tracking.mode == "off"
    assert read(tmp_path, text, f"tracking={{mode: {typed}}}").tracking.mode == "off"


@pytest.mark.parametrize("typed", ["off", "no", "'off'", "[]", "none"])
def test_tracking_that_is_no_table_is_refused(tmp_path, typed):
    """``tracking: off`` says how to write it."""
    with pytest.raises(UserError, match=r"to send nothing, tracking: \{mode: off\}"):
        read(tmp_path, TEXT.replace("NAME", "x") + f"tracking: {typed}\n")


@pytest.mark.parametrize("typed", ["on", "yes", "'no'", "aus"])
def test_other_words_for_the_mode_are_refused(tmp_path, typed):
    """Only the four modes are known, and what YAML reads as false."""
    with pytest.raises(UserError, match=r"tracking.mode: input should be 'auto', 'online'"):
        read(tmp_path, TEXT.replace("NAME", "x") + f"tracking: {{mode: {typed}}}\n")


def test_a_template_of_snakemakes_is_still_read(tmp_path):
    """A config with ``__use_yte__`` is what its expressions make of it."""
    pytest.importorskip("yte")
    text = TEXT.replace("NAME", "x") + "__use_yte__: true\nsampling:\n  max_tokens: ?3 * 4\n"
    assert read(tmp_path, text).sampling.max_tokens == 12


def test_the_connection_test_reads_the_config_as_a_run_does(tmp_path):
    """``make check-tracking`` knows an unquoted off, and names a misspelt key."""
    path = tmp_path / "config.yaml"
    path.write_text("tracking: {mode: off, interval_seconds: '5'}\n")
    assert (read_settings(path).mode, read_settings(path).interval_seconds) == ("off", 5.0)
    path.write_text("tracking: {backnd: none}\n")
    with pytest.raises(UserError, match="did you mean 'backend'"):
        read_settings(path)
