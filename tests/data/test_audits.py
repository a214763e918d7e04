"""What a set and a corpus hold, and what one holds of the other."""

import json
from types import SimpleNamespace

import audit_coverage
import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.data.corpus_audit import LONGEST_LENGTH, DuplicateCounter, Lengths
from slmrag.data.coverage import column_phrases, measure_coverage
from slmrag.data.has_answer import has_answer, spaced_tokens
from slmrag.data.question_audit import audit_questions
from slmrag.data.schemas import QUESTIONS
from slmrag.data.train_overlap import overlap_kinds


def asked(question, *answers, id="q", gold=()):
    """Return a row of questions.parquet."""
    passages = [{"id": name, "title": "", "text": text} for name, text in gold]
    return {
        "question_id": id,
        "question": question,
        "answers": list(answers),
        "gold": passages,
    }


@given(st.lists(st.integers(0, LONGEST_LENGTH), min_size=1))
def test_lengths_are_those_of_numpy(values):
    """The histogram gives the extremes and quantiles of the values themselves."""
    lengths = Lengths()
    lengths.add(np.array(values))
    summary = lengths.summary()
    ordered = np.sort(values)
    assert (summary["min"], summary["max"]) == (ordered[0], ordered[-1])
    assert summary["median"] == ordered[(len(values) + 1) // 2 - 1]
    assert summary["mean"] == round(float(np.mean(values)), 2)


@given(st.lists(st.text(max_size=2)), st.lists(st.text(max_size=2)))
def test_repeats(first, second):
    """Values that came before are counted, across tables."""
    repeats = DuplicateCounter()
    for values in (first, second):
        repeats.add(pl.Series(values, dtype=pl.String))
    every = first + second
    assert repeats.count() == len(every) - len(set(every))
    assert repeats.repeated_hashes().size == sum(every.count(value) > 1 for value in set(every))


def test_audit_of_questions():
    """Duplicates are told without case and articles; gold is held against the answers."""
    rows = [
        asked("Who is the king?", "Bob", gold=[("1", "It is Bob.")]),
        asked("who is king", "Bob", "Rob", gold=[("1", "It is Alice.")]),
        asked("where?", "here"),
    ]
    audit = audit_questions(rows)
    assert audit["duplicate_questions"] == 1
    assert (audit["with_gold"], audit["gold_has_answer"]) == (2, 0.5)
    assert audit["answers"]["max"] == 2


tricky = st.text(
    alphabet=st.sampled_from(list("aBé.,'- \n\t\u00a0\u200bÉ1İß$中\u3099ガ\u30fcไก่〇")), max_size=12
)


@settings(deadline=None)
@given(st.lists(tricky, min_size=1, max_size=5))
def test_phrases_are_dprs_tokens(texts):
    """Columns are cut into the same tokens as single texts."""
    table = pl.DataFrame({"text": texts})
    for apart in (False, True):
        column = table.select(column_phrases(pl.col("text"), apart)).to_series()
        assert column.to_list() == [spaced_tokens(text, apart) for text in texts]


@settings(deadline=None)
@given(st.lists(tricky, min_size=1, max_size=5), st.lists(tricky, min_size=1, max_size=3))
def test_coverage_is_has_answer_over_the_corpus(texts, answers):
    """A question is covered if and only if some passage has one of its answers."""
    table = pl.DataFrame({"id": [str(n) for n in range(len(texts))], "text": texts})
    found = measure_coverage([asked("x", *answers)], [table])
    assert found["corpus_has_answer"] == float(any(has_answer(text, answers) for text in texts))


def test_the_job(tmp_path):
    """The job counts answers, gold passages and questions that the corpus holds."""
    rows = [
        asked("Where is Lima?", "Peru", id="1", gold=[("a", "x"), ("b", "y")]),
        asked("Where is Oslo?", "Norway", id="2"),
    ]
    pl.DataFrame(rows, schema=QUESTIONS).write_parquet(tmp_path / "q.parquet")
    passages = {"id": ["a", "z"], "title": ["", ""], "text": ["In Peru.", "where is oslo"]}
    pl.DataFrame(passages).write_parquet(tmp_path / "p.parquet")
    input = SimpleNamespace(questions=tmp_path / "q.parquet", passages=tmp_path / "p.parquet")
    output = SimpleNamespace(audit=tmp_path / "audit.json")
    assert audit_coverage.main(input, output, None)["corpus_has_answer"] == 0.5
    audit = json.loads(output.audit.read_text())
    assert audit["without_answer_in_corpus"] == ["2"]
    assert (audit["gold_in_corpus"], audit["questions_in_corpus"]) == (0.5, 1)
    assert (audit["gold_by_id"], audit["gold_other_text"]) == (1, 1)


def test_gold_is_covered_by_id_or_by_text():
    """The audit finds gold as the metrics do, and names questions of which there is none."""
    rows = [
        asked("a?", "x", id="1", gold=[("", "Up\nand down"), ("", "up and down")]),
        asked("b?", "x", id="2", gold=[("f", "no")]),
        asked("c?", "x", id="3"),
    ]
    tables = [pl.DataFrame({"id": [id], "text": ["Up and  down"]}) for id in ("f#0", "e")]
    found = measure_coverage(rows, tables)
    assert (found["gold_passages"], found["gold_by_text"], found["gold_chunked"]) == (3, 1, 1)
    assert found["questions_without_gold_in_corpus"] == 1
    assert found["without_gold_in_corpus"] == ["2"]


def test_overlap_with_the_train_set():
    """A question is given away by the same question, or by its answer, or not."""
    rows = [asked("The A?", "x"), asked("b", "The Y"), asked("c", "z")]
    assert overlap_kinds(rows, [("a", ["7"]), ("q", ["y"])]) == ["question", "answer", "none"]
