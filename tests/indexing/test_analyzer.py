"""Terms of texts in many scripts, and of English as they always were."""

import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.config.languages import LUCENE_LANGUAGES
from slmrag.data import passages
from slmrag.indexing import bm25s, rank_bm25
from slmrag.indexing.analyzer import analyzer, split_whitespace, split_words, unspaced_facts
from slmrag.retrieval import rank_bm25 as search

PLAIN = st.characters(categories=["L", "N", "P", "S", "Z"], max_codepoint=0x4FF)
SPLIT = [
    ("नई दिल्ली", ["नई", "दिल्ली"]),
    ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
    ("法国的首都？", ["法国", "国的", "的首", "首都"]),
    ("巴", ["巴"]),
    ("iPhone手机2020年", ["iphone", "手机", "2020", "年"]),
    ("スーパー ｶﾞｽ", ["スー", "ーパ", "パー", "ガス"]),
    ("กินข้าว", ["กิ", "น", "ข้", "า", "ว"]),
    ("ＡＢＣ１２", ["abc12"]),
    ("İstanbul", ["istanbul"]),
    ("한국어 책", ["한국어", "책"]),
    ("❤️ 1️⃣ x", ["1", "x"]),
    ("🎉 𠀀𠀁 a🎉", ["𠀀𠀁", "a"]),
    ("क्‍ष", ["क्ष"]),
    ("می‌خواهم", ["می", "خواهم"]),
]


def paired(letters):
    """Return neighbors of a list, joined."""
    return [a + b for a, b in pairwise(letters)]


@pytest.mark.parametrize(("text", "terms"), SPLIT)
def test_words_of_many_scripts(text, terms):
    """Marks stay with their letter, and scripts without spaces give pairs of letters."""
    assert split_words(text) == (paired(terms) if text == "กินข้าว" else terms)


@given(st.text(PLAIN))
def test_latin_greek_and_cyrillic_are_cut_as_before(text):
    r"""Text without marks and without a script without spaces has the terms of ``\w+``."""
    lower = text.lower()
    if unicodedata.is_normalized("NFC", lower) and not re.search(
        "[\u0300-\u036f\u0483-\u0489]", lower
    ):
        assert split_words(text) == re.findall(r"\w+", lower)


@given(st.text())
def test_composed_and_decomposed_have_the_same_terms(text):
    """NFC and NFD of a text are one to both tokenizers."""
    composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert split_whitespace(composed) == split_whitespace(apart)
    if "\u0345" not in apart.lower() and "Σ" not in text:
        assert split_words(composed) == split_words(apart)


def test_languages_that_fold_letters():
    """Turkish has two kinds of i; Arabic's and Hebrew's points are left out."""
    assert analyzer(language="tr")("IRMAK İzmir") == ["ırmak", "izmir"]
    assert analyzer(language="ar")("كِتَـاب") == ["كتاب"]
    assert analyzer(language="he")("בֵּית־סֵפֶר") == ["בית", "ספר"]
    assert analyzer(language="de-CH")("Straße STRASSE Groẞ") == ["strasse", "strasse", "gross"]
    assert analyzer(language="ru")("Ёлка е\u0308лка") == ["елка", "елка"]
    assert analyzer()("Straße ёлка") == ["straße", "ёлка"]
    assert analyzer("words", "english", "en")("The I of IT") == ["i"]


def built(folder, texts, module=rank_bm25, **params):
    """Index texts and return what index.json would say."""
    table = {"id": [str(n) for n in range(len(texts))], "title": [""] * len(texts), "text": texts}
    pl.DataFrame(table).write_parquet(folder / "p.parquet")
    (folder / "i").mkdir()
    return module.build(folder / "p.parquet", folder / "i", module.BUILD | params)


def test_hindi_finds_the_word_and_not_its_letters(tmp_path: Path):
    """A question of one word hits only passages with that word, composed or not."""
    built(tmp_path, ["नई दिल्ली है", "हिन्दी भाषा", "दाल और चावल"])
    params = {"tokenizer": "words", "stopwords": "none"}
    found = search.search(tmp_path / "i", ["दिल्ली", "हिन्दी", "caf\u00e9"], 3, params)
    assert list(zip(found.question, found.passage, strict=True)) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("module", [rank_bm25, bm25s])
def test_the_index_says_which_scripts_it_cut_into_pairs(tmp_path: Path, module):
    """An index of Chinese and Thai says so, one of English says nothing more."""
    texts = ["日本的货币是日元", "กินข้าว", "English"]
    said = built(tmp_path, texts, module)["unspaced"]
    assert said["scripts"] == ["Han", "Thai"]
    assert unspaced_facts(pl.Series(["plain", "été"])) == {}
    assert passages.size(tmp_path / "p.parquet") == 3


def test_languages_of_lucene_are_anserinis():
    """Codes that Anserini would take for English are not among them, nor what no Java here cuts."""
    assert {"zh", "hi", "te", "en"} <= LUCENE_LANGUAGES
    assert not {"ta", "el", "he", "th"} & LUCENE_LANGUAGES
