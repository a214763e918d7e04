"""The key ``language``: codes, what it is refused for, and what it changes."""

import pytest
from slmrag.config.language_checks import language_warnings
from slmrag.config.languages import canonical_code
from slmrag.config.references import reference_problems
from slmrag.config.schema import Config
from slmrag.dag.resource_keys import keys
from slmrag.indexing.index_folder import build_settings

from tests.workflow.project import CONFIG


@pytest.mark.parametrize(
    ("code", "canon"), [("en", "en"), ("ZH-hant-tw", "zh-Hant-TW"), ("yue", "yue"), ("NO", "no")]
)
def test_codes(code, canon):
    """A code is written as BCP 47 writes it, so that two spellings are one key."""
    assert canonical_code(code) == canon


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("english", "write en"),
        ("zh_CN", "write zh-CN"),
        ("deu", "write de"),
        ("xx", "ISO 639"),
        ("", "remove the key"),
        ("Frnch", r"did you mean fr \(french\)"),
        ("jp", "write ja"),
        ("cn", "write zh"),
        ("zh-Hant-", "write zh-Hant$"),
        ("zh,en", "give one code"),
        ("multilingual", "remove the key"),
        ("und", "remove the key"),
        ("false", 'write "no", in quotes'),
    ],
)
def test_what_is_no_code(code, hint):
    """Another word is refused, with the code where it is known."""
    with pytest.raises(ValueError, match=hint):
        canonical_code(code)


def config(corpus=None, dataset=None, retriever=None, **more):
    """Return the tiny project's config with languages set."""
    tables = {
        **CONFIG,
        "corpora": {"facts": {**CONFIG["corpora"]["facts"], "language": corpus}},
        "datasets": {"quiz": {**CONFIG["datasets"]["quiz"], "language": dataset}},
        "retrievers": {"bm25": retriever or CONFIG["retrievers"]["bm25"]},
    }
    return Config.model_validate(tables | more)


def test_a_language_is_part_of_the_folders_names():
    """Corpus and data set of another language lie in another folder; unset changes nothing."""
    plain, none, named = (keys(config(*two), {}) for two in ((), (None, None), ("zh", "hi")))
    assert plain == none
    assert plain.corpora != named.corpora and plain.datasets != named.datasets
    assert plain.indexes == named.indexes


def test_an_index_says_its_language():
    """A language is among what an index is built with, and no key without one."""
    entry = {"kind": "rank_bm25"}
    assert build_settings(entry, {}) == entry
    assert build_settings({**entry, "language": "tr"}, {}) == {**entry, "language": "tr"}


@pytest.mark.parametrize(
    ("dataset", "variants", "said"),
    [
        (None, ["mlqa"], "datasets.quiz.language: missing"),
        ("fr", ["mlqa"], "no rules for 'fr'"),
        ("zh-TW", ["mlqa"], None),
        (None, ["unicode", "squad"], None),
    ],
)
def test_mlqa_wants_a_language_of_its_own(dataset, variants, said):
    """MLQA's metrics are refused where they have no rules, and unicode is named instead."""
    found = reference_problems(config(None, dataset, metrics={"variants": variants}))
    assert ([said in one and "unicode" in one for one in found] or [None]) == [said and True]


@pytest.mark.parametrize(
    ("corpus", "refused"), [("ta", True), ("th", True), ("zh-CN", False), (None, False)]
)
def test_lucene_without_an_analyzer(corpus, refused):
    """A language that Anserini would take for English is refused where Lucene searches it."""
    found = reference_problems(config(corpus, retriever={"kind": "lucene", "depth": 4}))
    assert bool(found) is refused
    assert not reference_problems(config(corpus))


def test_english_keys_over_another_language_are_told():
    """Stop words of English do nothing good elsewhere."""
    stop = {"kind": "rank_bm25", "depth": 4, "stopwords": "english"}
    assert "stopwords" in next(language_warnings(config("fr", retriever=stop)))
    for corpus in ("en-GB", None):
        assert not [*language_warnings(config(corpus, retriever=stop))]


@pytest.mark.parametrize("key", [{"stemmer": "krovetz"}, {"keep_stopwords": True}])
def test_keys_of_lucenes_english_analyzer_alone_are_refused_elsewhere(key):
    """A key that would do nothing is refused, by its name; one that asks for nothing is not."""
    lucene = {"kind": "lucene", "depth": 4}
    (problem,) = reference_problems(config("fr", retriever=lucene | key))
    assert problem.startswith(f"retrievers.bm25.{next(iter(key))}: ")
    assert not reference_problems(config("en-GB", retriever=lucene | key))
    idle = {"stemmer": "none", "keep_stopwords": False}
    assert not reference_problems(config("fr", retriever=lucene | idle))


@pytest.mark.parametrize(
    ("corpus", "dataset", "told"),
    [("zh", "en", 1), ("zh-TW", "zh-CN", 0), ("zh", None, 0), (None, "zh", 0)],
)
def test_questions_in_another_language_than_their_corpus_are_told(corpus, dataset, told):
    """A set of questions in one language over passages in another is told before anything runs."""
    said = [*language_warnings(config(corpus, dataset))]
    assert ["datasets.quiz.language: en" in one for one in said] == [True] * told


def test_white_space_over_a_language_without_any_is_told():
    """tokenizer: whitespace is told at once where the language has no spaces."""
    split = {"kind": "bm25s", "depth": 4, "tokenizer": "whitespace"}
    assert "retrievers.bm25.tokenizer" in next(language_warnings(config("th", retriever=split)))
    assert not [*language_warnings(config("ko", retriever=split))]
