"""What a reader should know of gold passages that the corpora do not have as such."""

from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.report.analysis.experiment import Experiment


def gold(experiment: Experiment, *_: Any) -> Iterator[str]:
    """Gold metrics that are not known, are of some questions only, or rest on a doubtful id."""
    for dataset in dict.fromkeys(dataset for dataset, _ in experiment.retrieval):
        runs = {name: run for (own, name), run in experiment.retrieval.items() if own == dataset}
        found = next(iter(runs.values()))
        yield from (f"{dataset}, {', '.join(runs)}: {said}" for said in sentences(found))


def sentences(found: Mapping[str, Any]) -> Iterator[str]:
    """Return what is to be said of a run; the runs of a data set share questions and corpus."""
    with_gold, scored = found.get("with_gold", 0), found.get("gold_scored", 0)
    reasons = {one["reason"] for one in found.get("metrics", {}).values() if "reason" in one}
    for reason in sorted(reasons):
        yield f"gold recall, MRR and nDCG are not known: {reason}."
    if 0 < with_gold < found.get("questions", 0):
        yield (
            f"{found['questions'] - with_gold} of {found['questions']} questions have no gold "
            "passage at all; no metric of gold counts them."
        )
    if 0 < scored < with_gold:
        yield (
            f"gold recall, MRR and nDCG are over {scored} of {with_gold} questions; of the rest, "
            "no gold passage is in the corpus, by id or by text."
        )
    if other := found.get("gold_other_text"):
        yield (
            f"gold passages whose id the corpus gives to another text: {other} of "
            f"{found['gold_passages']}; the id counts. Where the corpus was cut anew, cut the gold "
            "too."
        )
