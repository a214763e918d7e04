"""The words of the page for metrics, failure types and single answers."""

from collections.abc import Mapping
from typing import Any

from slmrag.scoring.failure_classes import FAILURE_NAMES

METRIC_LABELS = {
    "token_recall": "Token recall",
    "precision": "Precision",
    "f1": "F1",
    "exact_match": "Exact match",
    "match": "Match",
    "token_match": "Token match",
    "raw_token_recall": "Token recall, untrimmed",
}
METRIC_HELP = {
    "token_recall": "Share of the reference's tokens in the answer; the best reference counts",
    "match": "The normalized reference is a substring of the normalized answer",
    "token_match": "The answer contains the reference's tokens, whole and in order",
    "raw_token_recall": "Token recall of the whole output, before trimming",
}
FAILURE_LABELS = {
    name: name.replace("_", " ").replace("run on", "run-on").capitalize() for name in FAILURE_NAMES
} | {"refused": "Refused by endpoint"}
COMPARED_MODES_NOTE = (
    "Each mode is compared with the modes that have its template and settings, but another "
    "context. If there is none, it is compared with all modes of that other context, in one row "
    "each."
)


def metric_phrase(name: str) -> str:
    """Return a metric's name as it stands inside a sentence."""
    return "F1" if name == "f1" else METRIC_LABELS[name].lower()


def refusal_remark(answer: Mapping[str, Any]) -> str:
    """Return why an answer's prompt was refused, in the endpoint's words; empty if it was not."""
    refusal = answer.get("refusal")
    return f"Refused by the endpoint: {refusal}." if refusal else ""


def shortening_remark(score: Mapping[str, Any]) -> str:
    """Return what was left in a prompt that was shortened to fit the model; empty if it was not."""
    dropped, words = score.get("passages_dropped") or 0, score.get("words_cut") or 0
    if not dropped and not words:
        return ""
    kept = score["passages"]
    what = "last passage" if kept else "question"
    left = {True: "What is left contains an answer.", False: "What is left contains no answer."}
    sentences = [
        f"{kept} of {kept + dropped} passages fitted into the prompt." if kept + dropped else "",
        f"Words removed from the {what}: {words}." if words else "",
        left.get(score["has_answer"], ""),
    ]
    return " ".join(filter(None, sentences))
