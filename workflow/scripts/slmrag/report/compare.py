"""Compares two experiments: what they were made from, and their scores on common questions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.errors import UserError
from slmrag.report import compare_inputs
from slmrag.report.analysis.pair_tests import pair_effect
from slmrag.report.analysis.pairs import NO_DIFFERENCE
from slmrag.report.compare_inputs import Origin, read_origin
from slmrag.report.page.formats import format_value
from slmrag.report.paper_tables import markdown_row
from slmrag.scoring.paired_tests import holm

if TYPE_CHECKING:
    import polars as pl

Key = tuple[str, str, str]
BETTER_WORDS = {True: "now is better", False: "before is better"}
PAIRED_NOTE = (
    "Questions are paired by id and wording. If the digest of a data set's questions changed, its "
    "references may have changed too."
)
EFFECT_COLUMNS = (
    "n",
    "before",
    "now",
    "effect",
    "effect_low",
    "effect_high",
    "p",
    "p_holm",
    "verdict",
)


def load_experiment(folder: str | Path) -> tuple[dict[Key, dict[str, Any]], Origin]:
    """Return an experiment's comparison by cell, and what it was made from, from its report."""
    import polars as pl

    report = Path(folder) / "report"
    if not (report / "comparison.parquet").is_file():
        raise UserError(f"{report}: there is no comparison.parquet; make its report first")
    rows = pl.read_parquet(report / "comparison.parquet").to_dicts()
    cells = {(row["model"], row["dataset"], row["mode"]): row for row in rows}
    return cells, read_origin(report / "analysis.json")


def cell_effects(
    now: str | Path, before: str | Path, keys: Sequence[Key], metrics: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return one row a cell that both have: both means, the paired effect and its test."""
    found = [cell_effect(Path(now), Path(before), key, metrics) for key in keys]
    tested = [row for row in found if row["p"] is not None]
    for row, adjusted in zip(tested, holm([row["p"] for row in tested]).tolist(), strict=True):
        row["p_holm"] = adjusted
        shown = adjusted < 1 - metrics["confidence"]
        row["verdict"] = BETTER_WORDS[row["effect"] > 0] if shown else NO_DIFFERENCE
    return found


def cell_effect(now: Path, before: Path, key: Key, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changed in one cell, over the questions with the same wording in both."""
    row: dict[str, Any] = dict(zip(("model", "dataset", "mode"), key, strict=True))
    row |= dict.fromkeys(EFFECT_COLUMNS)
    values, row["reworded"] = shared_scores(now, before, key, metrics["primary"])
    row["n"] = len(values)
    if not len(values):
        return row | {"verdict": "no question in common"}
    row |= {"now": float(values[:, 0].mean()), "before": float(values[:, 1].mean())}
    return row | pair_effect(values, metrics["primary"], metrics)


def shared_scores(now: Path, before: Path, key: Key, metric: str) -> tuple[np.ndarray, int]:
    """Return both experiments' scores of a cell, (n, 2), on the questions of both.

    Also return the number of questions that are left out: with the same id but another wording.
    """
    import polars as pl

    one, two = (cell_scores(folder, key, metric) for folder in (now, before))
    both = one.join(two, on="question_id", how="inner", suffix="_before", maintain_order="left")
    same = both.filter(pl.col("question") == pl.col("question_before"))
    values = same.select(metric, f"{metric}_before").drop_nans().to_numpy()
    return values, len(both) - len(same)


def cell_scores(folder: Path, key: Key, metric: str) -> "pl.DataFrame":
    """Return question_id, question and one metric of a cell."""
    model, dataset, mode = key
    found = read_column(folder / "scores" / model / dataset / f"{mode}.parquet", metric)
    asked = read_column(folder / "prompts" / dataset / f"{mode}.parquet", "question")
    return found.join(asked, on="question_id", how="left", maintain_order="left")


def read_column(path: Path, column: str) -> "pl.DataFrame":
    """Return question_id and a column of a table; UserError where it is absent."""
    import polars as pl

    if not path.is_file():
        raise UserError(f"{path}: the comparison has this cell, but its file is missing")
    return pl.read_parquet(path, columns=["question_id", column])


def comparison_markdown(
    names: tuple[str, str], origins: tuple[Origin, Origin], rows: Sequence[Mapping[str, Any]],
    only: Mapping[str, Sequence[Key]],
) -> str:  # fmt: skip
    """Return what changed and the numbers as Markdown; names and origins are of now and before."""
    parts = [
        f"# {names[0]} against {names[1]}",
        "",
        *compare_inputs.changes_markdown(names, *origins),
    ]
    head = ("Cell", "n", "Before", "Now", "Effect", "Interval", "p, corrected", "Verdict")
    parts += [
        "## Numbers",
        "",
        markdown_row(head),
        markdown_row(["---", *["---:"] * 6, "---"]),
        *map(effect_row, rows),
        "",
        PAIRED_NOTE,
        "",
        *reworded_note(rows),
    ]
    for name, keys in only.items():
        if keys:
            parts += [f"Only in {name}: {', '.join('/'.join(key) for key in keys)}.", ""]
    return "\n".join(parts)


def reworded_note(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a note on the questions whose wording changed, by cell."""
    counts = [f"{cell_name(row)}: {row['reworded']}" for row in rows if row["reworded"]]
    return [f"Left out because their wording changed: {', '.join(counts)}.", ""] if counts else []


def cell_name(row: Mapping[str, Any]) -> str:
    """Return the names of a row's cell."""
    return "/".join(row[name] for name in ("model", "dataset", "mode"))


def effect_row(row: Mapping[str, Any]) -> str:
    """Return one cell's line."""
    low, high = (format_value(row[f"effect_{end}"], "difference") for end in ("low", "high"))
    shown = [
        cell_name(row),
        str(row["n"]),
        format_value(row["before"], "share"),
        format_value(row["now"], "share"),
        format_value(row["effect"], "difference"),
        f"{low} to {high}",
        format_value(row["p_holm"], "probability"),
        row["verdict"] or "",
    ]
    return markdown_row(shown)
