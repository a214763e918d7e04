"""How an answer is read from a field of the World Factbook: the name and its aliases, no more."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

OFFICES = (
    "Administrator|Affairs|Assembly|Captain|Chairman|Chairperson|Chancellor|Commissioner|"
    "Confederation|Council|Deputy|Emir|Amir|Executive|General|Governor|Government|King|Leader|"
    "Marshal|Mayor|Minister|Ministers|Pope|Premier|President|Prince|Queen|Secretary|Sheikh|Sultan|"
    "Taoiseach"
)
NO_ALIAS = re.compile(r'["\d]|National Anthem|^(aka|also|alternatively|formerly) ')


@dataclass(frozen=True)
class Kind:
    """A kind of question: its words, the field that answers it, and how to read the answers."""

    question: str
    path: tuple[str, ...]
    answers: Callable[[str], list[str]]


def named(text: str) -> list[str]:
    """Return the name that opens a field and the names in parentheses behind it.

    >>> named("Tirana (Tirane); note - seat of government")
    ['Tirana', 'Tirane']
    """
    first = re.match(r"(?:\([^)]*\)|[^;,(])*", text)[0].split(" note")[0]
    inside = [alias for part in re.findall(r"\(([^)]*)\)", first) for alias in part.split(",")]
    inside = [re.sub(r"^(aka|also|alternatively|formerly) ", "", one.strip()) for one in inside]
    outside = re.sub(r" in [A-Z]\w+$", "", re.sub(r"\([^)]*\)", " ", first).strip())
    return proper([outside, *(one for one in inside if not NO_ALIAS.search(one))])


def highest(text: str) -> list[str]:
    """Return the mountain's names, without its height."""
    return named(re.split(r" -?\d[\d,. ]*", text)[0])


def titled(text: str) -> list[str]:
    """Return what stands in quotation marks, and the translations in parentheses behind it."""
    title = r'[“"]([^“”"]+?),?[”"]'
    found = re.findall(rf"{title}(?:\s*\(([^)]+)\))?", text)
    names = [name for pair in found for name in pair if not NO_ALIAS.search(name)]
    return [] if "God Save the King" in names else proper(names)


def currency(text: str) -> list[str]:
    """Return the currency's name in the plural and the singular."""
    name = re.split(r"\(| per |;", text)[0].strip()
    return distinct([name, name.removesuffix("s")])


def date(text: str) -> list[str]:
    """Return the date that opens a field."""
    return re.findall(r"^\d{1,2} [A-Z][a-z]+ \d{4}\b", text)


def people(text: str) -> list[str]:
    """Return the noun for the people, in the singular and, where the field has it, the plural."""
    noun = re.split(r"[;,(]", text)[0].strip()
    endings = re.findall(r"^[^;,(]+\((s|es)\)", text)
    plural = re.findall(r"([^;,()]+) \(plural\)", text)
    return proper([noun, *(noun + ending for ending in endings), *plural])


def person(text: str) -> list[str]:
    """Return the name of an office's holder, without the office; surnames are in capitals."""
    holder = re.sub(r"\([^)]*\)", "", re.split(r";|, | \(since", text)[0])
    name = re.sub(rf"^(.*\b({OFFICES})\b\s+)?((Dr|Sir)\.? )?", "", " ".join(holder.split()))
    whole = re.search(r"\b[^\W\d_a-z]{2,}\b", name) and 1 < len(name.split()) < 6
    return proper([name]) if whole else []


def domain(text: str) -> list[str]:
    """Return an internet country code."""
    return re.findall(r"\.[a-z]{2}\b", text)[:1]


def proper(names: Iterable[str]) -> list[str]:
    """Return the names among the answers: each once, with a capital first and at most 7 words.

    No name at all where the first is none: ``unnamed elevation``, ``no official capital``.
    """
    cleaned = [name.strip(" .'\"-“”") for name in names]
    good = [name for name in cleaned if name[:1].isupper() and len(name.split()) < 8]
    return distinct(good) if good and cleaned[0] == good[0] else []


def distinct(answers: Iterable[str]) -> list[str]:
    """Return the answers that say something, each once."""
    return [a for a in dict.fromkeys(answers) if len(a) > 1 and a.lower() != "none"]


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
