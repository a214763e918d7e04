"""Score 100,000 answers by the workflow and by a plain loop over instruct-qa's definitions."""

import random
import re
import string
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow/scripts"))

from slmrag.scoring.qa_metrics import METRICS, score_answers

WORDS = [
    *("paris", "the", "London", "a", "capital", "of", "France,", "an", "is", "its", "1999", "in"),
    *("state:", "South-Korea", "Yes.", "no", "President", "Berlin", "Germany", "river", "Amazon"),
    *("answer", "question", "based", "on", "passage", "which", "was", "born", "population"),
    *("largest", "(born", "1950)", "American", "film", "series", "Kenya", "shilling", "highest"),
]
RARE = [f"word{i}" for i in range(20_000)] + ["Émile", "São", "Köln", "–"] * 40


def plain_normalize(text):
    """Normalize as instruct-qa does, one step after the other."""
    punctuation = set(string.punctuation)
    text = "".join(ch for ch in text.lower() if ch not in punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def overlap(answer, reference):
    """Return the multiset overlap and both lengths."""
    said, wanted = plain_normalize(answer).split(), plain_normalize(reference).split()
    return sum((Counter(wanted) & Counter(said)).values()), len(said), len(wanted), said == wanted


def recall(answer, reference):
    """Token recall; 1 for an empty reference."""
    common, _, wanted, _ = overlap(answer, reference)
    return common / wanted if wanted else 1


def precision(answer, reference):
    """Token precision; 0 for an empty answer."""
    common, said, _, _ = overlap(answer, reference)
    return common / said if said else 0


def f1(answer, reference):
    """Harmonic mean; 1 where both are empty."""
    common, said, wanted, equal = overlap(answer, reference)
    if not common:
        return int(equal and not said)
    share, found = common / said, common / wanted
    return 2 * share * found / (share + found)


def exact_match(answer, reference):
    """Whether the normal forms are equal."""
    return int(overlap(answer, reference)[3])


def match(answer, reference):
    """Whether the reference is a substring."""
    return float(plain_normalize(reference) in plain_normalize(answer))


def token_match(answer, reference):
    """Whether the reference's tokens stand in the answer."""
    wanted, said = plain_normalize(reference), plain_normalize(answer)
    return float(not wanted or f" {wanted} " in f" {said} ")


PLAIN = dict(zip(METRICS, (recall, precision, f1, exact_match, match, token_match), strict=True))


def plain_loop(answers, references):
    """Return each metric's list, a loop a metric, the best reference counting."""
    return {
        name: [max(metric(a, r) for r in own) for a, own in zip(answers, references, strict=True)]
        for name, metric in PLAIN.items()
    }


def made_up(count):
    """Return answers of 1 to 40 words and one to four references each."""
    luck = random.Random(0)

    def phrase(*lengths):
        words = luck.choices(WORDS, k=luck.choice(lengths))
        return " ".join(luck.choice(RARE) if luck.random() < 0.2 else word for word in words)

    answers = [phrase(1, 2, 4, 12, 40) for _ in range(count)]
    references = [[phrase(1, 1, 2, 3) for _ in range(luck.choice((1, 1, 2, 4)))] for _ in answers]
    return answers, references


def main(count=100_000):
    """Print both rates (a CPU second), their ratio, and whether all scores are equal."""
    answers, references = made_up(count)
    score_answers(answers[:2000], references[:2000])
    start = time.process_time()
    for _ in range(3):
        ours = score_answers(answers, references)
    seconds = (time.process_time() - start) / 3
    start = time.process_time()
    theirs = plain_loop(answers, references)
    slow = time.process_time() - start
    equal = all(ours[name].tolist() == theirs[name] for name in METRICS)
    print(f"answers {count}, ours {count / seconds:,.0f}/s, plain loop {count / slow:,.0f}/s")
    print(f"ratio {slow / seconds:.1f}, equal to the last digit: {equal}")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
