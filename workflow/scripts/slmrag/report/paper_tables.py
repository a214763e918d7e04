"""The comparison as tables for papers: a row per model, a column per mode."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slmrag.report.analysis.comparison import unique_values
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.formats import MISSING_TEXT, format_value, is_missing
from slmrag.report.page.labels import METRIC_LABELS

Rows = Sequence[Mapping[str, Any]]
STANDING_MARKS = {"best": "**{}**", "not shown to be worse": "{}\\*"}
LATEX_ESCAPES = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)


def model_by_mode_rows(
    rows: Rows, dataset: str, cell_text: Callable[[Mapping[str, Any]], str]
) -> list[list[str]]:
    """Return the rows of one data set's table, headings first; a dash where there is no cell."""
    own = {(r["model"], r["mode"]): r for r in rows if r["dataset"] == dataset}
    models, modes = (list(dict.fromkeys(key[i] for key in own)) for i in (0, 1))
    empty: dict[str, Any] = {}
    return [
        ["Model", *modes],
        *([m, *(cell_text(own.get((m, mode), empty)) for mode in modes)] for m in models),
    ]


def estimate_texts(row: Mapping[str, Any], metric: str) -> tuple[str, str]:
    """Return a cell's mean and its interval as texts; empty ones where there is none."""
    value, low, high = (row.get(metric + end) for end in ("", "_low", "_high"))
    interval = (
        ""
        if is_missing(low)
        else f"{format_value(low, 'share')}\u2013{format_value(high, 'share')}"
    )
    return ("", "") if is_missing(value) else (format_value(value, "share"), interval)


def markdown(experiment: Experiment, rows: Rows) -> str:
    """Return a Markdown table per data set: the best bold, those not shown worse with a star."""
    metric = experiment.primary

    def cell_text(row: Mapping[str, Any]) -> str:
        value, interval = estimate_texts(row, metric)
        if not value:
            return MISSING_TEXT
        decorated = STANDING_MARKS.get(row.get("standing") or "", "{}").format(value)
        return f"{decorated} ({interval})" if interval else decorated

    parts = [f"# {experiment.name}: {METRIC_LABELS[metric]}", ""]
    for dataset in unique_values(rows, "dataset"):
        head, *body = model_by_mode_rows(rows, dataset, cell_text)
        rule = ["---", *["---:"] * (len(head) - 1)]
        parts += [f"## {dataset}", "", *map(markdown_row, (head, rule, *body)), ""]
    return "\n".join([*parts, legend(experiment), ""])


def markdown_row(cells: Sequence[str]) -> str:
    """Return one line of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def legend(experiment: Experiment) -> str:
    """Return the meaning of the marks and brackets."""
    confidence = f"{100 * experiment.metrics['confidence']:g} %"
    return (
        f"In brackets: {confidence} BCa bootstrap intervals. Bold: the best model of a mode. Star: "
        "not shown to be worse (paired test, Holm's correction)."
    )


def latex(experiment: Experiment, rows: Rows) -> str:
    """Return a LaTeX tabular per data set (needs booktabs)."""
    metric = experiment.primary

    def cell_text(row: Mapping[str, Any]) -> str:
        value, interval = estimate_texts(row, metric)
        if not value:
            return "--"
        best, close = (row.get("standing") == word for word in STANDING_MARKS)
        value = rf"\textbf{{{value}}}" if best else value + ("$^*$" if close else "")
        small = rf" {{\scriptsize ({interval.replace(chr(0x2013), '--')})}}" if interval else ""
        return value + small

    parts = [f"% {experiment.name}: {METRIC_LABELS[metric]}".replace("\n", " ")]
    for dataset in unique_values(rows, "dataset"):
        head, *body = model_by_mode_rows(rows, dataset, cell_text)
        parts += [
            "",
            rf"% {dataset}",
            rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            r"\toprule",
        ]
        parts += [" & ".join(name.translate(LATEX_ESCAPES) for name in head) + r" \\", r"\midrule"]
        parts += [" & ".join([row[0].translate(LATEX_ESCAPES), *row[1:]]) + r" \\" for row in body]
        parts += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*parts, "", f"% {legend(experiment)}", ""])
