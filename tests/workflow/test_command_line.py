"""What is set on the command line is as if it stood in the config."""

import re

import pytest

from tests.workflow.project import ECHO, make_project

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("setting", "planned"),
    [
        ("models={mynah: null}", ["parrot"]),
        ("models={mynah: null, chile: {engine: echo, options: {answer: 5}}}", ["parrot", "chile"]),
        ("datasets={quiz: {limit: null}}", ["parrot", "mynah"]),
    ],
)
def test_an_entry_is_added_changed_or_left_out_for_one_run(tmp_path, setting, planned):
    """``--config`` merges into the tables of the config, and null takes an entry or a key away."""
    project = make_project(tmp_path / "p", models={"parrot": ECHO, "mynah": ECHO})
    said = project.snakemake("-n", "--config", setting, "--", "answers").stdout
    models = re.findall(r"answers/(\w+)/quiz/no_context.parquet", said)
    assert {*models} == {*planned}


def test_what_is_hardly_meant_is_told_once(tmp_path):
    """A warning comes from the driver alone, not again from each job."""
    project = make_project(tmp_path / "p", models={"parrot": ECHO, "twin": ECHO})
    done = project.run("--until", "download_object", "--", "all")
    assert (done.stdout + done.stderr).count("models.twin: the same as models.parrot") == 1


def test_a_setting_that_is_no_yaml_stops_a_dry_run(tmp_path):
    """A bracket that never closes is named with the setting that it stands in."""
    project = make_project(tmp_path / "p")
    done = project.snakemake("-n", "--config", "models={parrot: ", check=False)
    assert done.returncode != 0
    assert "--config models={parrot: : not YAML" in done.stdout + done.stderr
