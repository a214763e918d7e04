"""A kind of retriever that is in the registry alone, made as docs/retrievers.md tells."""

import importlib.util
import re
import textwrap
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError
from slmrag.config.custom_retrievers import entry_class
from slmrag.config.retrievers import Retriever
from slmrag.errors import UserError

DOCS = Path(__file__).parents[2] / "docs/retrievers.md"


def written(folder: Path, code: str) -> Path:
    """Write a kind's module and return its path."""
    (folder / "mine.py").write_text(code)
    return folder / "mine.py"


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """Return the module that the documents show."""
    code = re.search(r" ```python\n(.*?) ```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]
    return written(tmp_path, textwrap.dedent(code))


def test_its_keys_are_read_unimported(documented: Path) -> None:
    """BUILD and SEARCH become the config's keys; only those of BUILD change the index."""
    made = entry_class("mine", Retriever, documented)(kind="mine", least=2, lower=False)
    assert made.params() == {"kind": "mine", "depth": 100, "least": 2, "lower": False}
    assert made.build_params() == {"kind": "mine", "lower": False}
    assert made.upstream() == []


@pytest.mark.parametrize("wrong", [{"lest": 2}, {"least": "many"}, {"kind": "other"}])
def test_what_it_does_not_know_is_refused(documented: Path, wrong: dict) -> None:
    """A misspelt key, and a value of another type than the default's, are no entry."""
    with pytest.raises(ValidationError):
        entry_class("mine", Retriever, documented)(**{"kind": "mine"} | wrong)


def test_a_kind_over_other_hits(tmp_path: Path) -> None:
    """Without BUILD a kind has no index, and `of` names the retrievers that it needs."""
    made = entry_class("mine", Retriever, written(tmp_path, 'SEARCH = {"of": None}'))
    assert not made.BUILD
    assert made(kind="mine", of=["a", "b"]).upstream() == ["a", "b"]
    assert made(kind="mine", of="a").upstream() == ["a"]


def test_a_kind_in_two_files(tmp_path: Path) -> None:
    """Where a kind's building stands apart, its BUILD is read there."""
    for room, code in (("indexing", "BUILD = {'lower': True}"), ("retrievers", "SEARCH = {}")):
        (tmp_path / room).mkdir()
        written(tmp_path / room, code)
    made = entry_class("mine", Retriever, tmp_path / "retrievers/mine.py")
    assert made(kind="mine", lower=False).build_params() == {"kind": "mine", "lower": False}


def test_keys_that_are_not_written_out(tmp_path: Path) -> None:
    """Keys that only running the module would show are refused, with the file."""
    with pytest.raises(UserError, match="BUILD must be written out"):
        entry_class("mine", Retriever, written(tmp_path, "BUILD = dict(x=1)"))
    with pytest.raises(UserError, match="does not exist"):
        entry_class("mine", Retriever, tmp_path / "other.py")


def test_the_documents_example_runs(tmp_path: Path, documented: Path) -> None:
    """The module of the documents finds the passage that shares most words."""
    spec = importlib.util.spec_from_file_location("mine", documented)
    mine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mine)
    passages = {"id": ["a", "b"], "title": ["", "Oslo"], "text": ["rain", "capital of Norway"]}
    pl.DataFrame(passages).write_parquet(tmp_path / "passages.parquet")
    assert mine.build(tmp_path / "passages.parquet", tmp_path, mine.BUILD) == {}
    asked = ["the capital of norway", "zzz", "Oslo rain"]
    hits = mine.search(tmp_path, asked, 1, mine.BUILD | mine.SEARCH)
    assert hits.question.tolist() == [0, 2]
    assert hits.passage.tolist() == [1, 0]
    assert hits.score.tolist() == [3.0, 1.0]
