"""Texts that were not read to their end, in a report."""

import json
from types import SimpleNamespace

import polars as pl
import pytest
import report_comparison
from slmrag.files import read_json, read_metadata, write_json, write_table
from slmrag.models import text_limits
from slmrag.report.sections.source_caveats import truncated_texts, unindexed_passages

from tests.report.made_up import MODES, MadeUp

POSITIONS = text_limits.TextLimit(128, "the positions in the model's config.json", 128)
ENTRY = text_limits.TextLimit(128, "the retriever's max_length", 512)


def place(made, what, facts):
    """Give an index of the corpus, or the search of the questions, its facts; return the folder."""
    index = made.folder / "resources/indexes/wiki/bm25"
    if what == "index":
        write_json({"built": {"kind": "dense"}, "files": {}, **facts}, index / "index.json")
    else:
        path = made.results / "retrieval/facts/bm25.json"
        write_json(read_json(path) | {"facts": facts}, path)
    return index


def page(made, index, **more):
    """Write the report; return its page."""
    input = SimpleNamespace(**vars(made.input) | {"indexes": [index]} | more)
    report_comparison.main(input, made.output, made.params)
    return made.output.html.read_text()


def test_cut_passages_questions_and_an_idle_gpu_are_caveats(tmp_path):
    """The report says how many, the limit and its source, and what to do; the table has both."""
    made = MadeUp(tmp_path, models=("tiny",), questions=10)
    idle = {"gpu_unused": "it runs on the CPU although its machine shows a GPU"}
    place(made, "search", text_limits.reading_facts("questions", 10, 1, ENTRY) | idle)
    index = place(made, "index", text_limits.reading_facts("passages", 40, 30, POSITIONS) | idle)
    html = page(made, index)
    for words in (
        "bm25 on wiki: 30 of 40 passages (75\u202f%) are longer than the 128 tokens that are read",
        "config.json), so they were truncated. Split the corpus into chunks (corpora: chunk)",
        ", or use a model that reads more.",
    ):
        assert words in html
    assert "bm25 on facts: 1 of 10 questions (10\u202f%) are longer" in html
    assert "Raise max_length (it may be up to 512)." in html
    assert html.count("bm25: it runs on the CPU although its machine shows a GPU.") == 1
    (row,) = json.loads(made.output.analysis.read_text())["indexes"]
    assert (row["cut"], row["max_length"]) == (30, 128)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        text_limits.reading_facts("passages", 40, 0, POSITIONS),
        text_limits.reading_facts("passages", 0, 0, text_limits.TextLimit()),
    ],
)
def test_what_is_read_whole_is_no_caveat(facts):
    """Nothing cut, no limit or no encoder is nothing to be told."""
    assert list(truncated_texts("dense on wiki", facts)) == []


def test_passages_that_lucene_left_out_are_told():
    """What is not in the index is counted under the name that Lucene has for it."""
    (told,) = unindexed_passages(
        "bm25 on wiki", {"indexed": 7, "empty": 2, "skipped": 1, "errors": 0}
    )
    assert (
        told
        == "bm25 on wiki: 3 of 10 passages (30\u202f%) are not in the index: 2 empty, 1 skipped."
    )
    assert list(unindexed_passages("bm25 on wiki", {"indexed": 7, "empty": 0})) == []


@pytest.mark.parametrize(
    ("limit", "what", "expected"),
    [
        (ENTRY, "passages", "chunk), or raise max_length (it may be up to 512)."),
        (POSITIONS, "pairs of question and passage", "chunk), or use a model that reads more."),
        (
            text_limits.TextLimit(1000, "Lucene", 1000, "words"),
            "questions",
            "read (Lucene), so they were truncated.",
        ),
        (POSITIONS, "questions", "Ask shorter questions."),
        (text_limits.TextLimit(512, "the default"), "passages", "chunk), or raise max_length."),
    ],
)
def test_the_remedy_is_one_that_helps(limit, what, expected):
    """A larger max_length is named only where the model takes one, chunks only for passages."""
    (sentence,) = truncated_texts("x on y", text_limits.reading_facts(what, 9, 1, limit))
    assert expected in sentence and ("chunk" in sentence) == (what != "questions")


@pytest.mark.parametrize("device", ["endpoint", "cpu"])
def test_an_endpoint_that_counts_too_few_tokens_is_told(tmp_path, device):
    """Fewer tokens than words cannot be all of a prompt; what is counted here is not doubted."""
    made = MadeUp(tmp_path, models=("tiny",), questions=10)
    for mode in MODES:
        path = made.path("timings", "tiny", "facts", mode)
        (record,) = json.loads(read_metadata(path)["engines"])
        told = {"engines": json.dumps([record | {"device": device}])}
        write_table(pl.read_parquet(path), path, told)
    path = made.path("answers", "tiny", "facts", "oracle_context")
    tokens = [3, 3, *[120] * 8]
    pl.read_parquet(path).with_columns(prompt_tokens=pl.Series(tokens)).write_parquet(path)
    told = "tiny/facts/oracle_context: the endpoint counts fewer tokens than words in 2 of 10"
    assert (told in page(made, tmp_path / "none")) == (device == "endpoint")


def test_a_search_below_a_fusion_tells_its_cuts(tmp_path):
    """Questions that a fused retriever did not read whole are a caveat of that retriever."""
    made = MadeUp(tmp_path, models=("tiny",), questions=10)
    facts = text_limits.reading_facts("questions", 2, 1, ENTRY)
    path = made.results / "retrieval/facts/dense.json"
    write_json({"facts": facts}, path)
    html = page(made, place(made, "index", {}), below=[path])
    assert "dense on facts: 1 of 2 questions (50" in html
