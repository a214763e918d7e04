"""The config's files are read strictly: broken YAML and repeated keys are named by line."""

import re

import pytest
from slmrag.config.yaml_files import merge_cli_config
from slmrag.errors import UserError

BROKEN = [
    ("models: {a: 1}\nmodels: {b: 2}\n", "line 2: 'models' occurs twice"),
    ("models:\n  a: 1\n  a: 2\n", "line 3: 'a' occurs twice"),
    ("models: [1, 2\n", "config.yaml, line"),
    ("", "holds no table of keys"),
    ("- a\n", "holds no table of keys"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, expected):
    """Broken YAML, a duplicate key and an empty file each get one sentence."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        merge_cli_config([path], [])
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_good_file_passes(tmp_path):
    """The same key in two tables is no repetition."""
    path = tmp_path / "config.yaml"
    path.write_text("models: {a: {k: 1}, b: {k: 1}}\n")
    merge_cli_config([path], [])


def test_settings_of_the_command_line_are_read_as_yaml(tmp_path):
    """A null removes, a number is a number, and tables merge deep, the last one last."""
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("models: {a: {k: z}, b: {k: y}}\nagainst: other\n")
    two.write_text("models: {a: {k: w, u: null}}\n")
    said = ["models={a: {k: x, s: '1'}, b: null}", "against=null", "experiment=x=y"]
    models = {"a": {"k": "x", "u": None, "s": "1"}, "b": None}
    merged = merge_cli_config([one, two], said)
    assert merged == {"models": models, "against": None, "experiment": "x=y"}


def test_a_setting_that_is_no_yaml_is_named():
    """An open bracket on the command line is told with the setting."""
    with pytest.raises(UserError, match=re.escape("--config models={a: : not YAML (expected")):
        merge_cli_config([], ["models={a: "])


def test_a_key_that_stands_twice_in_a_setting_is_named():
    """A repetition on the command line is told with the setting, as YAML may repeat none."""
    with pytest.raises(UserError, match=re.escape("--config models={a: 1, a: 2}:")):
        merge_cli_config([], ["models={a: 1, a: 2}"])
