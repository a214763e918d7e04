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
    "raw_token_recall": "Recall, untrimmed",
}
METRIC_HELP = {
    "token_recall": "Share of the reference's tokens that the answer holds; best reference",
    "match": "The normalised reference is a substring of the answer",
    "token_match": "The reference's tokens stand in the answer, in order and whole",
    "raw_token_recall": "Token recall of all that the model wrote, before trimming",
}
FAILURE_LABELS = {
    name: name.replace("_", " ").replace("run on", "run-on").capitalize() for name in FAILURE_NAMES
} | {"refused": "Refused by endpoint"}
COMPARED_MODES = (
    "A mode is held against the modes that differ from it in the context alone: those with its "
    "template, or else each there is, a row each."
)


def refusal_remark(answer: Mapping[str, Any]) -> str:
    """Say why an answer's prompt was refused, in the endpoint's words, else nothing."""
    told = answer.get("refusal")
    return f"Refused by the endpoint: {told}." if told else ""


def truncation_remark(score: Mapping[str, Any]) -> str:
    """Say what of the context stood in a prompt that was cut to fit the model, else nothing."""
    dropped, words = score.get("passages_dropped") or 0, score.get("words_cut") or 0
    if not dropped and not words:
        return ""
    kept = score["passages"]
    lost = f" Words cut from the {'passage' if kept else 'question'}: {words}." if words else ""
    held = {None: "", True: " An answer is in what was left.", False: " It holds no answer."}
    count = f"{kept} of {kept + dropped} passages stood in the prompt."
    return f"{count}{lost}{held[score['has_answer']]}"
