"""The data sets of a job as MLflow's inputs, where their content's digest is known."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking.mlflow.limits import (
    MAX_DATASET_DIGEST_CHARACTERS,
    MAX_DATASET_NAME_CHARACTERS,
)
from slmrag.tracking.scored_questions import scored_questions

CONTEXT_TAG = "mlflow.data.context"
Facts = dict[str, Any]


def datasets_of_events(start: Event, events: Iterable[Event]) -> list[Any]:
    """Return the data sets that the files of a batch of events are made from, each once."""
    found = {}
    for event in events:
        if event["kind"] == "artifact":
            for facts in [*prepared(start, event), *scored(event)]:
                found[facts["name"], facts["sha256"]] = facts
    return [dataset_input(facts) for facts in found.values()]


def prepared(start: Event, event: Event) -> Iterator[Facts]:
    """Yield the data set that a job has prepared."""
    if (start["rule"], event["name"]) == ("prepare_dataset", "questions") and event.get("sha256"):
        name, rows = start["wildcards"]["dataset"], (event.get("metadata") or {}).get("questions")
        about = {"path": event["path"], "sha256": event["sha256"], "rows": rows}
        yield {"name": name, "context": "prepared", **about}


def scored(event: Event) -> Iterator[Facts]:
    """Yield the data set that scores are of: their summary has the digest of the questions."""
    if facts := scored_questions(event):
        yield facts | {"context": "scored"}


def dataset_input(facts: Facts) -> Any:
    """Return a data set as MLflow's input; the profile has its whole digest."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    profile = {"num_rows": facts["rows"], "sha256": facts["sha256"]}
    dataset = Dataset(
        facts["name"][:MAX_DATASET_NAME_CHARACTERS],
        facts["sha256"][:MAX_DATASET_DIGEST_CHARACTERS],
        "local",
        json.dumps({"uri": facts.get("path") or f"resources/datasets/{facts['name']}"}),
        profile=json.dumps({name: value for name, value in profile.items() if value is not None}),
    )
    return DatasetInput(dataset, [InputTag(CONTEXT_TAG, facts["context"])])
