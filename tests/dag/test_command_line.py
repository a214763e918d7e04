"""Where Snakemake cannot keep its notes, a sentence says so before it tries."""

import os

import pytest
from slmrag.dag.command_line import check_folder as check
from slmrag.dag.command_line import reads_no_source
from slmrag.errors import UserError


@pytest.fixture
def readonly(tmp_path, monkeypatch):
    """A working folder in which nothing can be written, for root neither."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    return tmp_path


def test_a_plan_in_a_read_only_folder_is_refused(readonly):
    """The folder is named, with the way to plan elsewhere; an old .snakemake is no help."""
    with pytest.raises(UserError, match="--directory FOLDER") as error:
        check(["-n"])
    assert str(error.value).startswith(f"{readonly} cannot be written")
    (readonly / ".snakemake").mkdir()
    with pytest.raises(UserError, match=r"\.snakemake cannot be written"):
        check(["-n", "--", "journal"])


@pytest.mark.parametrize("word", ["--lint", "--list-rules", "--list-target-rules", "-l"])
def test_a_list_needs_no_folder(readonly, word):
    """What Snakemake can say without notes is not refused."""
    check([word])


def test_a_folder_of_ones_own_is_fine(tmp_path, monkeypatch):
    """A folder that can be written passes."""
    monkeypatch.chdir(tmp_path)
    check(["-n"])


def test_what_reads_no_source_is_known_by_its_words():
    """A look after the folders and a list of rules are told from a run and its plan."""
    assert reads_no_source(["-c1", "journal"]) and reads_no_source(["--list-rules"])
    assert not reads_no_source(["-n"]) and not reads_no_source(["--cores", "all", "report"])
