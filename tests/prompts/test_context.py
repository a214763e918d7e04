"""The passages of each prompt."""

from types import SimpleNamespace

import build_prompts
import polars as pl
import pytest
from slmrag.errors import UserError

GOLD = [{"id": "p1", "title": "Paris", "text": "Paris is the capital of France."}]
PASSAGE = pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})


@pytest.fixture
def build(tmp_path):
    """build_prompts over two questions and three passages, by the entry of a mode."""

    def run(entry, hits=(), gold=GOLD):
        questions = {
            "question_id": ["q1", "q2"],
            "question": ["capital of France?", "capital of Chad?"],
            "answers": [["Paris"], ["N'Djamena"]],
            "gold": [gold, GOLD],
        }
        schema = {"gold": pl.List(PASSAGE)}
        pl.DataFrame(questions, schema_overrides=schema).write_parquet(tmp_path / "q.parquet")
        pl.DataFrame(
            [
                *GOLD,
                {"id": "p2", "title": "", "text": "Berlin"},
                {"id": "p3", "title": "", "text": "x"},
            ]
        ).write_parquet(tmp_path / "p.parquet")
        rows = {"question_id": pl.String, "rank": pl.Int32, "passage_id": pl.String}
        pl.DataFrame(list(hits), schema=rows, orient="row").write_parquet(tmp_path / "h.parquet")
        (tmp_path / "t.jinja").write_text("{{ question }}")
        given = [tmp_path / "h.parquet"], [tmp_path / "p.parquet"]
        hits_file, passages = given if entry["context"] == "retriever" else ([], [])
        result = build_prompts.main(
            SimpleNamespace(
                questions=tmp_path / "q.parquet",
                template=tmp_path / "t.jinja",
                hits=hits_file,
                passages=passages,
            ),
            SimpleNamespace(prompts=tmp_path / "out.parquet"),
            SimpleNamespace(entry=entry, dataset="nq"),
        )
        return pl.read_parquet(tmp_path / "out.parquet"), result

    return run


RETRIEVER = {"context": "retriever", "retriever": "bm25", "passages": 2}


def test_no_context_has_no_passages_and_no_verdict(build):
    """Without context has_answer and gold_rank are null, not false."""
    table, _ = build({"context": "none", "passages": 0})
    assert table["passages"].list.len().to_list() == [0, 0]
    assert table["has_answer"].to_list() == [None, None]
    assert table["gold_rank"].to_list() == [None, None]
    assert table["template"].to_list() == ["{{ question }}"] * 2


def test_an_oracle_shows_the_gold_passages(build):
    """An oracle's context is the gold passage, rank 1, and says whether it holds the answer."""
    table, result = build({"context": "oracle", "passages": 1})
    assert table["passages"][0].to_list() == GOLD
    assert table["gold_rank"].to_list() == [1, 1]
    assert table["has_answer"].to_list() == [True, False]
    assert result["has_answer"] == 0.5


def test_an_oracle_without_gold_is_an_error(build):
    """A question without gold passage is never an empty context: the data set is named."""
    with pytest.raises(
        UserError, match=r"datasets\.nq: 1 of 2 questions .*first: 'q1'.*datasets\.nq\.gold"
    ):
        build({"context": "oracle", "passages": 1}, gold=[])


def test_a_retrievers_context_is_its_first_hits_in_order(build):
    """The first hits by rank are shown, however the rows lie."""
    hits = [("q1", 2, "p1"), ("q1", 1, "p2"), ("q1", 3, "p3"), ("q2", 1, "p3")]
    table, _ = build(RETRIEVER, hits)
    assert [p["id"] for p in table["passages"][0].to_list()] == ["p2", "p1"]
    assert table["gold_rank"].to_list() == [2, None]
    assert table["has_answer"].to_list() == [True, False]


def test_a_question_without_hits_stays(build):
    """A question that nothing was retrieved for keeps its row, with no passage."""
    table, _ = build(RETRIEVER, [("q1", 1, "p1")])
    assert table["question_id"].to_list() == ["q1", "q2"]
    assert table["passages"].list.len().to_list() == [1, 0]
    assert table["has_answer"].to_list() == [True, False]


def test_gold_is_known_by_its_text_too(build):
    """A gold passage with another id than the corpus's is found by its text."""
    gold = [{"id": "other", "title": "", "text": GOLD[0]["text"]}]
    table, _ = build(RETRIEVER, [("q1", 1, "p1")], gold)
    assert table["gold_rank"][0] == 1


def test_white_space_and_accents_of_gold_do_not_count(build):
    """A gold text that is wrapped otherwise is the passage all the same."""
    gold = [{"id": "", "title": "", "text": "Paris is\n  the capital of France. "}]
    table, _ = build(RETRIEVER, [("q1", 1, "p2"), ("q1", 2, "p1")], gold)
    assert table["gold_rank"][0] == 2


def test_an_oracle_shows_each_gold_passage_once(build):
    """Two gold entries with one text are one passage of the prompt."""
    twice = [*GOLD, {"id": "other", "title": "", "text": GOLD[0]["text"]}]
    table, _ = build({"context": "oracle", "passages": 2}, gold=twice)
    assert table["passages"][0].to_list() == GOLD


@pytest.mark.parametrize("hit", [("q1", 1, "p9"), ("q9", 1, "p1")])
def test_hits_of_other_inputs_are_an_error(build, hit):
    """A hit that names an unknown question or passage is named with its file."""
    with pytest.raises(UserError, match=r"h\.parquet: hit of question .* unknown"):
        build(RETRIEVER, [hit])
