"""Records that come twice, questions without answers, ids that are joined, odd answers."""

import json

import pytest
from prepare_dataset import train_overlap
from slmrag.data import repetitions, schemas
from slmrag.data.formats import reader
from slmrag.errors import UserError

from tests.data.test_formats import prepare_passages, prepare_questions


def lines(*rows):
    """Return rows as JSONL."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def passage(id, text, title="t"):
    """Return a passage."""
    return {"id": id, "title": title, "text": text}


ONE, TWO = passage("1", "one"), passage("2", "two")


@pytest.mark.parametrize(
    "limit, kept, repeated", [(None, 2, 3), (2, 1, 1), (3, 2, 1), (1, 1, None)]
)
def test_a_passage_that_is_repeated_is_kept_once(tmp_path, caplog, limit, kept, repeated):
    """What repeats an earlier passage word for word is left out, counted and told."""
    entry = {"format": "jsonl"} | ({"limit": limit} if limit else {})
    rows, counts = prepare_passages(tmp_path, "p", lines(ONE, ONE, TWO, ONE, TWO), entry)
    assert rows == [ONE, TWO][:kept]
    assert (counts["passages"], counts.get("repeated")) == (kept, repeated)
    assert (f"{repeated} passages repeat an earlier one" in caplog.text) is bool(repeated)


def test_two_files_with_the_same_passages(tmp_path):
    """The shards of a corpus may share passages."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a").write_text(lines(ONE, TWO))
    rows, counts = prepare_passages(
        tmp_path, "b", lines(TWO, passage("3", "x")), {"format": "jsonl"}
    )
    assert [row["id"] for row in rows] == ["1", "2", "3"] and counts["repeated"] == 1


def test_documents_that_are_repeated(tmp_path):
    """Cut into chunks, a document that comes twice is there once."""
    entry = {"format": "jsonl", "chunk": {"by": "words", "size": 1}}
    long = passage("1", "a b")
    rows, counts = prepare_passages(tmp_path, "p", lines(long, long), entry)
    assert [row["id"] for row in rows] == ["1#0", "1#1"] and counts["repeated"] == 2


@pytest.mark.parametrize("other", [passage("1", "other"), passage("1", "one", "other")])
def test_two_texts_under_one_id(tmp_path, other):
    """Another text, or another title, under an id that is taken is refused, and leaves nothing."""
    with pytest.raises(UserError, match=r"p, line 3: the id '1' is already used in .*p, line 1"):
        prepare_passages(tmp_path, "p", lines(ONE, TWO, other), {"format": "jsonl"})
    assert not list(tmp_path.glob("*.parquet"))


def test_hashes_that_meet_by_chance(monkeypatch, tmp_path):
    """Ids whose hashes are equal are no repetition."""
    import numpy as np
    import polars as pl

    table = pl.DataFrame(
        [(*ONE.values(), 1), (*TWO.values(), 2)], schemas.PASSAGES_WITH_LINE, orient="row"
    )
    deduplicator = repetitions.Deduplicator(np.unique(table["id"].hash(seed=0).to_numpy()))
    assert not deduplicator.has_repetitions(table, tmp_path)


def question(id, answers="x", text="who?"):
    """Return a question."""
    return {"question_id": id, "question": text, "answers": answers}


def test_a_question_that_is_repeated_is_kept_once(tmp_path, caplog):
    """A question whose id, words, answers and gold came before is left out and counted."""
    rows, counts = prepare_questions(
        tmp_path, "q", lines(question(1), question(2), question(1.0)), {"format": "jsonl"}
    )
    assert [row["question_id"] for row in rows] == ["1", "2"] and counts["repeated"] == 1
    assert "1 questions left out: they repeat an earlier record word for word" in caplog.text
    with pytest.raises(UserError, match="line 2: the question id '1' is already used"):
        prepare_questions(
            tmp_path, "q", lines(question(1), question("1", text="what?")), {"format": "jsonl"}
        )


def test_questions_without_ids_are_asked_as_often_as_they_stand_there(tmp_path):
    """Without ids two equal questions are two."""
    row = {"question": "who?", "answers": "x"}
    rows, counts = prepare_questions(tmp_path, "q", lines(row, row), {"format": "jsonl"})
    assert (len(rows), counts["duplicate_questions"]) == (2, 1)


READ = reader("jsonl", "questions")
NONE = [None, [], [""], "", " "]


@pytest.mark.parametrize("none", NONE, ids=repr)
def test_unanswerable_questions(tmp_path, caplog, none):
    """Questions without an answer are refused, or on request left out, counted and told."""
    made = lines(question(None), question(None, none), question(None))
    with pytest.raises(UserError, match=r"line 2: .* set unanswerable: drop"):
        prepare_questions(tmp_path, "q", made, {"format": "jsonl"})
    entry = {"format": "jsonl", "unanswerable": "drop"}
    rows, counts = prepare_questions(tmp_path, "q", made, entry)
    assert [row["question_id"] for row in rows] == ["0", "1"] and counts["unanswerable"] == 1
    assert "1 questions left out: they have no answers" in caplog.text
    with pytest.raises(UserError, match="none of the 1 questions has an answer; check answers"):
        prepare_questions(tmp_path, "q", lines(question(1, none)), entry)


def test_an_answer_that_means_none(tmp_path):
    """A text that means no answer is none, and one that no question has is refused."""
    rows = [["No Answer."], [" No Answer. ", "yes"], ["No Answer.", ""], ["no"]]
    made = lines(*(question(number, answers) for number, answers in enumerate(rows)))
    entry = {"format": "jsonl", "no_answer": "No Answer."}
    with pytest.raises(UserError, match="line 1: a question without answers"):
        prepare_questions(tmp_path, "q", made, entry)
    entry["unanswerable"] = "drop"
    found, counts = prepare_questions(tmp_path, "q", made, entry)
    assert [row["answers"] for row in found] == [["yes"], ["no"]] and counts["unanswerable"] == 2
    told = train_overlap(
        [{"question": "who?", "answers": ["yes"]}], [tmp_path / "raw/q"], READ, entry
    )
    assert told.to_list() == ["question"]
    (tmp_path / "t").write_text(lines(question(1, ["No Answer."])))
    told = train_overlap([{"question": "who?", "answers": ["yes"]}], [tmp_path / "t"], READ, entry)
    assert told.to_list() == ["none"]
    with pytest.raises(UserError, match=r"no answer is 'None\.', as no_answer says"):
        prepare_questions(tmp_path, "q", made, entry | {"no_answer": "None."})


def test_a_column_that_is_not_there_is_no_missing_answer(tmp_path):
    """Questions are not unanswerable because their answers have another name."""
    with pytest.raises(UserError, match="no 'answers'; did you mean 'answer'"):
        row = {"question": "who?", "answer": "x"}
        prepare_questions(tmp_path, "q", lines(row), {"format": "jsonl", "unanswerable": "drop"})


def squad(*articles):
    """Return SQuAD's JSON of articles, each a title and its paragraphs' texts and questions."""
    return json.dumps(
        {
            "data": [
                {"title": title, "paragraphs": [{"context": text, "qas": asked}]}
                for title, text, asked in articles
            ]
        }
    )


def test_what_squad_says_has_no_answer_is_counted(tmp_path):
    """SQuAD 2.0's impossible questions are left out as ever, and now counted; or refused."""
    asked = {"id": "1", "question": "Which?", "answers": [{"text": "one"}]}
    never = {"id": "2", "question": "Which not?", "answers": [], "is_impossible": True}
    made = squad(("F", "one", [asked, never]))
    rows, counts = prepare_questions(tmp_path, "q", made, {"format": "squad"})
    assert [row["question_id"] for row in rows] == ["1"] and counts["unanswerable"] == 1
    with pytest.raises(UserError, match="a question without answers"):
        prepare_questions(tmp_path, "q", made, {"format": "squad", "unanswerable": "refuse"})


@pytest.mark.parametrize("titles", [("report", "report"), ("a", "a "), ("", "0"), ("1", "")])
def test_articles_of_one_title(tmp_path, titles):
    """Articles that are called alike have passages of their own, as their questions' gold has."""
    qas = [[{"id": str(n), "question": "Which?", "answers": [{"text": "x"}]}] for n in range(2)]
    made = squad(*zip(titles, ("one", "two"), qas, strict=True))
    passages, _ = prepare_passages(tmp_path / "p", "s", made, {"format": "squad"})
    questions, _ = prepare_questions(tmp_path / "q", "s", made, {"format": "squad"})
    gold = [row["gold"][0] for row in questions]
    assert [(one["id"], one["text"]) for one in gold] == [(p["id"], p["text"]) for p in passages]
    assert len({one["id"] for one in gold}) == 2


IDS = [(12, "12"), ("12", 12.0), (" 12", "12 "), ("Caf\u00e9", "Cafe\u0301"), ("a b", "a b\n")]


@pytest.mark.parametrize("theirs, ours", IDS)
def test_ids_are_joined_however_they_are_written(tmp_path, theirs, ours):
    """Numbers, blanks at the ends and composed letters tell no ids apart, on no side of a join."""
    entry = {"format": "jsonl"}
    for key in ("question_id", "id"):
        gold = ("g.jsonl", lines({key: theirs, "text": "it"}))
        asked = question(ours) | ({"gold": [ours]} if key == "id" else {})
        ((row,), _) = prepare_questions(tmp_path, "q", lines(asked), entry, gold)
        assert [one["text"] for one in row["gold"]] == ["it"]
    ((kept,), _) = prepare_passages(tmp_path / "p", "p", lines(passage(theirs, "it")), entry)
    asked = question("1") | {"gold": [{"id": ours, "text": "it"}]}
    ((row,), _) = prepare_questions(tmp_path / "o", "q", lines(asked), entry)
    assert row["gold"][0]["id"] == kept["id"]


@pytest.mark.parametrize("space", ["who? ", " who?", "who?\r", "who?\t", "\u00a0who?"])
def test_questions_are_joined_without_the_blanks_at_their_ends(tmp_path, space):
    """Gold by question is joined where both files have the same blank, or only one has."""
    for asked in (space, "who?"):
        made = lines(question("1", text=asked))
        gold = ("g.jsonl", lines({"question": space, "text": "it"}))
        ((row,), _) = prepare_questions(tmp_path, "q", made, {"format": "jsonl"}, gold)
        assert [one["text"] for one in row["gold"]] == ["it"]


def test_gold_in_parquet(tmp_path):
    """Records of gold may stand in Parquet."""
    import polars as pl

    (tmp_path / "gold").mkdir()
    pl.DataFrame([{"question_id": 1, "text": "it"}]).write_parquet(tmp_path / "g")
    data = (tmp_path / "g").read_bytes()
    (tmp_path / "gold/g.parquet").write_bytes(data)
    extra = ("h.jsonl", lines({"question_id": 1.0, "text": "more"}))
    ((row,), _) = prepare_questions(tmp_path, "q", lines(question(1)), {"format": "jsonl"}, extra)
    assert [one["text"] for one in row["gold"]] == ["it", "more"]


UNNUMBERED = lines(*({"question": text, "answers": "x"} for text in ("who?", "what?")))


def test_gold_by_numbers_that_are_ours(tmp_path, caplog):
    """Gold by question_id for questions without ids is told, and refused where it has other ids."""
    made = [{"question_id": number, "text": "it"} for number in range(3)]
    gold = ("g.jsonl", lines(*made[:2]))
    rows, _ = prepare_questions(tmp_path, "q", UNNUMBERED, {"format": "jsonl"}, gold)
    assert all(row["gold"] for row in rows)
    assert "is joined by question_id, but the questions have no ids of their own" in caplog.text
    with pytest.raises(UserError, match="question_id '2' is not in this set: the questions"):
        gold = ("g.jsonl", lines(*made[1:]))
        prepare_questions(tmp_path, "q", UNNUMBERED, {"format": "jsonl"}, gold)


@pytest.mark.parametrize("format", ["records", "jsonl"])
def test_gold_of_two_texts_under_one_id(tmp_path, format):
    """A gold id is one passage: two texts under it are refused, one that is repeated is not."""
    entry = {"format": "jsonl"} | ({"gold_format": format} if format == "jsonl" else {})
    made = lines(question("1") | {"gold": ["p"]})
    same = ("g.jsonl", lines({"id": "p", "text": "it"}, {"id": "p", "text": " it"}))
    ((row,), _) = prepare_questions(tmp_path, "q", made, entry, same)
    assert {one["text"].strip() for one in row["gold"]} == {"it"}
    other = ("g.jsonl", lines({"id": "p", "text": "it"}, {"id": "p", "text": "that"}))
    with pytest.raises(UserError, match="'p' occurs again with another text"):
        prepare_questions(tmp_path, "q", made, entry, other)


GOLD_FILES = [
    ("g.CSV", "question,text\nwho?,it\n"),
    ("g.TSV", "question\ttext\nwho?\tit\n"),
    ("g.json", '[{"question": "who?",\n "text": "it"}]'),
    ("g", '{"question": "who?", "text": "it"}'),
]


@pytest.mark.parametrize("name, text", GOLD_FILES)
def test_gold_by_its_files_name(tmp_path, name, text):
    """Capitals in a file's name change nothing, and JSON may have any name."""
    ((row,), _) = prepare_questions(
        tmp_path, "q", lines(question("1", text="who?")), {"format": "jsonl"}, (name, text)
    )
    assert [one["text"] for one in row["gold"]] == ["it"]


NO_GOLD = [
    ("g.txt", "question,text\nwho?,it\n", "g.txt: is no JSON, and not called .csv, .tsv or"),
    ("g.csv", "question,text\nwho?,\n", "g.csv, line 2: 'text' is empty; fill it in"),
    ("g.csv", "question_id,text\n12.0,it\n", r"set \(the first is by question_id '12.0'\)"),
    ("g.jsonl", '{"question": true, "text": "it"}', "line 1: 'question' is not text or a number"),
    ("g.jsonl", '{"question": "who?", "title": [1], "text": "it"}', "line 1: 'title' is not text"),
    ("g.csv", "", "g.csv: no passage in it belongs to a question of this set; give"),
]


@pytest.mark.parametrize("name, text, sentence", NO_GOLD)
def test_records_that_are_no_gold(tmp_path, name, text, sentence):
    """What cannot be gold is one sentence."""
    with pytest.raises(UserError, match=sentence):
        made = lines(question("12", text="who?"))
        prepare_questions(tmp_path, "q", made, {"format": "jsonl"}, (name, text))


PAGE = {"wikipedia_id": "7", "wikipedia_title": "T", "text": ["T\n", "one", " \n", "two"]}


@pytest.mark.parametrize("first, last, ids", [(1, 3, ["7#1", "7#3"]), (2, 2, []), (0, 1, ["7#0"])])
def test_provenance_over_an_empty_paragraph(tmp_path, first, last, ids):
    """A provenance may span an empty paragraph; one that is not in the source is still refused."""
    span = {"wikipedia_id": "7", "start_paragraph_id": first, "end_paragraph_id": last}
    more = {"wikipedia_id": "7", "start_paragraph_id": 3}
    output = [{"answer": "x", "provenance": [span]}, {"answer": "y", "provenance": [more]}]
    made, gold = lines({"id": "1", "input": "who?", "output": output}), ("k.json", lines(PAGE))
    ((row,), _) = prepare_questions(tmp_path, "q", made, {"format": "kilt"}, gold)
    expected = list(dict.fromkeys([*ids, *(["7#1"] if first == 0 else []), "7#3"]))
    assert [one["id"] for one in row["gold"]] == expected
    span["end_paragraph_id"] = 4
    made = lines({"id": "1", "input": "who?", "output": output})
    with pytest.raises(UserError, match="the gold passage '7#4' is not in"):
        prepare_questions(tmp_path, "q", made, {"format": "kilt"}, gold)


TREC = ["(Mount|Mt\\.?)\\s+Everest", "14(,|\\s)?000", "Starr|Kenneth\\s+Starr", "\\d{4}"]


@pytest.mark.parametrize("pattern", TREC)
def test_answers_that_are_regular_expressions(tmp_path, caplog, pattern):
    """CuratedTREC's answers are refused by name in DPR's format, and told of elsewhere."""
    made = f"who?\t{[pattern]!r}\nwhat?\t['x']\n"
    with pytest.raises(UserError, match="of 1 of 2 questions look like regular expressions"):
        prepare_questions(tmp_path, "q.csv", made, {"format": "dpr_qa"})
    rows, counts = prepare_questions(
        tmp_path / "j", "q", lines(question("1", pattern)), {"format": "jsonl"}
    )
    assert rows[0]["answers"] == [pattern] and counts["answers_like_patterns"] == 1
    assert "look like regular expressions" in caplog.text


PLAIN = ["Yahoo!", "Who? (band)", "$1.5 million", "A.D. 79", "C++", "[sic]", "AC/DC", "b*", "3.14"]
PLAIN += ["P. T. Barnum...", "What's Up, Doc?", "50%", "x^2", "(s)he", "\\o/", "* (album)"]


@pytest.mark.parametrize("answer", PLAIN)
def test_answers_with_signs_are_texts(tmp_path, caplog, answer):
    """Signs that names and numbers have make no answer a pattern."""
    made = f"who?\t{[answer]!r}\n"
    rows, counts = prepare_questions(
        tmp_path, "q", lines(question("1", answer)), {"format": "jsonl"}
    )
    assert "answers_like_patterns" not in counts and rows[0]["answers"] == [answer]
    prepare_questions(tmp_path / "d", "q.csv", made, {"format": "dpr_qa"})
