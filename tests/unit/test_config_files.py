"""The config's files are read strictly: broken YAML and repeated keys are named by line."""

import re

import pytest
from slmrag.config_files import check, settled
from slmrag.errors import UserError

BROKEN = [
    ("models: {a: 1}\nmodels: {b: 2}\n", "line 2: 'models' stands twice"),
    ("models:\n  a: 1\n  a: 2\n", "line 3: 'a' stands twice"),
    ("models: [1, 2\n", "config.yaml, line"),
    ("", "holds no table of keys"),
    ("- a\n", "holds no table of keys"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, expected):
    """Broken YAML, a key that stands twice and an empty file each get one sentence."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        check([path])
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_good_file_passes(tmp_path):
    """The same key in two tables is no repetition."""
    path = tmp_path / "config.yaml"
    path.write_text("models: {a: {k: 1}, b: {k: 1}}\n")
    check([path])


def test_settings_of_the_command_line_are_read_as_yaml():
    """A null removes, a number is a number, and tables merge deep, whatever Snakemake read."""
    config = {"models": {"a": {"k": "1"}, "b": "null"}, "against": "null"}
    said = ["models={a: {k: 1, s: '1'}, b: null}", "against=null", "experiment=x=y"]
    models = {"a": {"k": 1, "s": "1"}, "b": None}
    assert settled(config, said) == {"models": models, "against": None, "experiment": "x=y"}
    assert config["models"]["b"] == "null"


def test_a_setting_that_is_no_yaml_is_named():
    """An open bracket on the command line is told with the setting."""
    with pytest.raises(UserError, match=re.escape("--config models={a: : no YAML (expected")):
        settled({}, ["models={a: "])
