"""What is said of a context is said of what stood in the prompt."""

import logging

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.errors import UserError
from slmrag.generation.answer_tables import warn_of_cuts
from slmrag.prompts.truncation import remaining_context, truncate
from slmrag.scoring.qa_metrics import METRICS
from slmrag.scoring.score_table import join_answers, score_rows
from slmrag.scoring.summary import summarize_scores

GOLD = "The capital of France is Paris, which lies on the river Seine and is an old town."
OTHER = "Berlin is a city."
QUESTION = "What is the capital of France today?"
PASSAGES = pl.List(pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String}))
SETTINGS = {"confidence": 0.95, "bootstrap": 100}
WORDS = st.text("ab \n", max_size=30)


def scores(texts, passages, dropped, words, said="Paris", hit=True, rank=None):
    """Return the scores of one answer to a prompt that was cut as the numbers say."""
    own = [{"id": f"p{i}", "title": "", "text": text} for i, text in enumerate(texts)]
    answers = {
        "question_id": ["q"], "raw_answer": [said], "answer": [said], "finish_reason": ["stop"],
        "generated_tokens": [1], "passages": [passages], "passages_dropped": [dropped],
        "words_cut": [words],
    }  # fmt: skip
    questions = {"question_id": ["q"], "answers": [["Paris"]]}
    prompts = {"question_id": ["q"], "question": [QUESTION], "passages": [own]}
    prompts |= {"has_answer": [hit], "gold_rank": [rank]}
    kinds = {"passages": PASSAGES, "has_answer": pl.Boolean, "gold_rank": pl.Int32}
    asked = pl.DataFrame(prompts, schema_overrides=kinds)
    return score_rows(
        join_answers(pl.DataFrame(answers), pl.DataFrame(questions), asked, "a.parquet")
    )


def found(table, *names):
    """Return some columns of the only row."""
    return tuple(table.row(0, named=True)[name] for name in names)


@pytest.mark.parametrize(
    ("passages", "dropped", "words", "held", "rank"),
    [
        (2, 0, 0, True, 2),
        (1, 1, 0, False, None),
        (0, 2, 0, False, None),
        (0, 2, 3, False, None),
    ],
)
def test_a_passage_that_was_dropped_is_no_context(passages, dropped, words, held, rank):
    """A hit and the gold passage's rank are of the passages that stood in the prompt."""
    table = scores([OTHER, GOLD], passages, dropped, words, rank=2)
    assert found(table, "has_answer", "gold_rank") == (held, rank)
    assert found(table, "has_answer_uncut", *("passages", "words_cut")) == (True, passages, words)


@pytest.mark.parametrize(("words", "held"), [(1, True), (11, True), (12, False), (16, False)])
def test_words_that_were_cut_hold_no_answer(words, held):
    """An answer is looked for in the words that were left; a gold passage stays one."""
    table = scores([GOLD, OTHER], 1, 1, words, rank=1)
    assert found(table, "has_answer", "gold_rank") == (held, 1)


def test_no_context_stays_without_verdict():
    """A question that is cut in a mode without context is counted, and no miss."""
    table = scores([], 0, 0, 2, hit=None)
    assert found(table, "has_answer", "has_answer_uncut", "gold_rank") == (None, None, None)
    summary = summarize_scores(table, SETTINGS)
    assert (summary["shortened"], summary["questions_shortened"]) == (1, 1)


def test_nothing_is_copied_from_a_passage_that_was_not_shown():
    """The same words are copied context where their passage stood in the prompt, else not."""
    assert found(scores([OTHER, GOLD], 2, 0, 0, GOLD), "failure") == ("copied_context",)
    assert found(scores([OTHER, GOLD], 1, 1, 0, GOLD), "failure") == (None,)
    assert found(scores([GOLD], 1, 0, 8, GOLD), "failure") == (None,)


def test_an_echo_is_of_the_question_that_was_asked():
    """An answer that holds all that was left of a question repeats it."""
    said = "What is the capital exactly?"
    assert found(scores([OTHER], 0, 1, 3, said), "failure") == ("echo",)
    assert found(scores([OTHER], 0, 1, 0, said), "failure") == (None,)


def test_a_summary_counts_what_was_cut():
    """Means and counts are over all questions of a cell; a lost passage and a lost word count."""
    cut = [(2, 0, 0), (1, 1, 0), (1, 1, 5), (0, 2, 0), (0, 2, 4)]
    table = pl.concat(scores([OTHER, GOLD], *row, rank=2) for row in cut)
    summary = summarize_scores(table, SETTINGS)
    assert summary["passages_in_prompt"] == pytest.approx(4 / 5)
    assert (summary["shortened"], summary["questions_shortened"]) == (4, 1)
    assert (summary["has_answer"], summary["has_answer_uncut"]) == (0.2, 1.0)


def test_no_question_is_no_mean():
    """A cell without questions has no mean number of passages, and nothing was cut."""
    summary = summarize_scores(scores([OTHER], 1, 0, 0).clear(), SETTINGS)
    assert summary["passages_in_prompt"] is None and summary["shortened"] == 0
    assert set(METRICS) <= set(summary)


@given(WORDS.filter(str.strip), st.lists(WORDS, max_size=4), st.integers(0, 120))
def test_what_remains_is_what_fit_left(question, texts, room):
    """Question and passages that the counts tell are those that the prompt was made of."""

    def make(asked, shown):
        return "|".join([*(p["text"] for p in shown), asked])

    passages = [{"id": "", "title": "", "text": text} for text in texts]
    try:
        prompt = truncate(make, question, passages, lambda text: len(text) <= room)
    except UserError:
        return
    assert (
        make(*remaining_context(question, passages, prompt.passages, prompt.words_cut))
        == prompt.text
    )
    assert prompt.passages + prompt.passages_dropped == len(passages)


def test_the_log_warns_of_prompts_that_were_cut(caplog):
    """The warning names the cell, how many, and what to change; without cuts there is none."""
    with caplog.at_level(logging.WARNING):
        warn_of_cuts("nq/none", {"shortened": 0, "questions_shortened": 0}, 40)
        assert not caplog.text
        warn_of_cuts("nq/bm25", {"shortened": 35, "questions_shortened": 2}, 40)
    assert "nq/bm25: 35 of 40 prompts did not fit" in caplog.text
    assert "(2 of them words of the question)" in caplog.text and "max_model_len" in caplog.text
