"""What answered behind a model's name at an endpoint: the server's own ids and fingerprints."""

from collections.abc import Iterator
from typing import Any

from slmrag.generation.served_models import TOLD, told
from slmrag.report.analysis.experiment import Experiment


def rows(experiment: Experiment) -> Iterator[dict[str, str]]:
    """Yield the ids and fingerprints that answered each model's questions, where any was told."""
    for model in dict.fromkeys(cell.model for cell in experiment.scored):
        for name, words in TOLD.items():
            if found := of_model(experiment, model, name):
                yield {"what": f"endpoint's {words}", "name": model, "value": ", ".join(found)}


def of_model(experiment: Experiment, model: str, name: str) -> list[str]:
    """Return all that the runs behind a model's answers tell in a list of this name, sorted."""
    own = (run for cell in experiment.scored if cell.model == model for run in cell.engines)
    return told(own, name)


def caveats(experiment: Experiment, lines: Any, boards: Any) -> Iterator[str]:
    """Models of another name than asked, more than one behind a name, or sampling not known."""
    for model, entry in experiment.models.items():
        ids, prints = (of_model(experiment, model, name) for name in TOLD)
        asked = entry.get("served_name")
        if len(ids) > 1:
            yield (
                f"{model}: its answers are of more than one model of the endpoint: "
                f"{', '.join(ids)}."
            )
        elif ids and asked and ids != [asked]:
            yield f"{model}: asked for as {asked}, answered by {ids[0]}, as the endpoint says."
        if len(prints) > 1:
            yield (
                f"{model}: its answers carry {len(prints)} fingerprints of the endpoint, so what "
                f"answered may have changed between them: {', '.join(prints)}."
            )
        if keys := of_model(experiment, model, "sampling_unknown"):
            yield (
                f"{model}: nothing set {', '.join(keys)}, so that the endpoint drew by what it "
                "chose for itself."
            )
