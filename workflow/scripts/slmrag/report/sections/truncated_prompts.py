"""What is said of prompts that lost passages or words, so that they fit a model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.formats import decimal, percent

Rows = Sequence[dict[str, Any]]


def left(score: Mapping[str, Any]) -> str:
    """Say what of the context stood in a prompt that was cut to fit the model, else nothing."""
    dropped, words = score.get("passages_dropped") or 0, score.get("words_cut") or 0
    if not dropped and not words:
        return ""
    kept = score["passages"]
    lost = f" Words cut from the {'passage' if kept else 'question'}: {words}." if words else ""
    held = {None: "", True: " An answer is in what was left.", False: " It holds no answer."}
    count = f"{kept} of {kept + dropped} passages stood in the prompt."
    return f"{count}{lost}{held[score['has_answer']]}"


def caveats(experiment: Experiment, rows: Rows, boards: Any) -> Iterator[str]:
    """Prompts that lost passages, words of a passage or words of the question to fit a model."""
    for name, lost in (
        ("shortened", "lost passages or words to fit the model"),
        ("questions_shortened", "lost words of the question itself"),
    ):
        cut = [row for row in rows if row["n"] and row[name]]
        if cut:
            worst = max(cut, key=lambda row: row[name] / row["n"])
            cell = f"{worst['model']}/{worst['dataset']}/{worst['mode']}"
            yield (
                f"{len(cut)} of {len(rows)} cells have prompts that {lost}; most in {cell}: "
                f"{worst[name]} of {worst['n']} ({percent(worst[name] / worst['n'])}"
                f"{stood(worst)}). {MEND}"
            )


def stood(row: dict[str, Any]) -> str:
    """Say how many passages stood in a cell's prompts of those that its mode asks for, if any."""
    if not row["passages"]:
        return ""
    mean = decimal(row["passages_in_prompt"])
    return f"; {mean} of at most {row['passages']} passages stood in a prompt on average"


MEND = (
    "Raise the model's max_model_len, lower max_tokens, or give fewer or shorter passages. What "
    "this report says of a context is said of what was left of it."
)


def judged(experiment: Experiment, rows: Rows, boards: Any) -> Iterator[str]:
    """Prompts of a judge that were cut at their end, where it is told what to say."""
    for grades in experiment.grades:
        if grades.get("shortened"):
            cell = "/".join(grades[name] for name in ("model", "dataset", "mode"))
            yield (
                f"{cell}: {grades['shortened']} of the {grades['n']} prompts of the judge lost "
                "words at their end to fit it; raise its max_model_len or lower its max_tokens."
            )
