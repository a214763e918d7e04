"""Experiments in one folder share what they agree on, and never overwrite each other."""

import shutil

import pytest

from tests.workflow.project import CONFIG, Project, make_project

pytestmark = pytest.mark.slow
CHUNKS = {"corpora": {"facts": {"chunk": {"size": 4}}}}
NOTHING = "Nothing to be done"


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Project:
    """A folder where one experiment was run, and another that cuts the same corpus otherwise."""
    project = make_project(tmp_path_factory.mktemp("two") / "project")
    project.run()
    project.edit(experiment="cut", **CHUNKS)
    project.run()
    return project


def folders(project: Project, kind: str) -> list[str]:
    """Return the entries' folders of one kind of resource."""
    return sorted(p.name for p in (project.folder / "resources" / kind).iterdir() if p.is_dir())


def test_two_configs_of_one_corpus_do_not_collide(two):
    """The corpus and its index stand twice, objects and questions once."""
    assert [len(folders(two, kind)) for kind in ("corpora", "indexes", "coverage")] == [2, 2, 2]
    assert len(folders(two, "datasets")) == 1 and len(folders(two, "raw")) == 2


@pytest.mark.parametrize("config", [CONFIG, None], ids=["first", "last"])
def test_going_back_reruns_nothing(two, config):
    """Each of the two experiments is finished, whichever ran last."""
    last = two.config
    two.write(config or last)
    said = two.snakemake("-n")
    two.write(last)
    assert NOTHING in said.stdout + said.stderr


def test_a_third_that_agrees_makes_its_results_alone(two, tmp_path):
    """An experiment of the same entries plans no job that makes a resource."""
    shutil.copytree(two.folder, tmp_path / "three", symlinks=True)
    third = Project(tmp_path / "three")
    third.edit(experiment="third")
    said = third.snakemake("-n").stdout
    assert "build_prompts" in said
    for rule in ("download_object", "prepare_corpus", "prepare_dataset", "index_passages"):
        assert rule not in said
