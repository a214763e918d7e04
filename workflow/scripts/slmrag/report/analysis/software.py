"""The versions behind an experiment: code, engines, indexes and what made the report."""

from collections.abc import Iterator
from pathlib import Path

from slmrag.files import read_json
from slmrag.report.analysis import served_models
from slmrag.report.analysis.experiment import Experiment, place


def rows(experiment: Experiment) -> list[dict[str, str]]:
    """Return rows (what, name, value): those that were observed, then those of the files."""
    made = (*engines(experiment), *served_models.rows(experiment), *indexes(experiment))
    return [*map(dict, experiment.observed.versions), *made]


def engines(experiment: Experiment) -> Iterator[dict[str, str]]:
    """Yield the engines, with their versions, that made each model's answers."""
    for model in dict.fromkeys(cell.model for cell in experiment.scored):
        own = (run for cell in experiment.scored if cell.model == model for run in cell.engines)
        found = sorted({str(run["engine"]) for run in own if run.get("engine")})
        yield {"what": "engine", "name": model, "value": ", ".join(found) or "not recorded"}


def indexes(experiment: Experiment) -> Iterator[dict[str, str]]:
    """Yield the libraries that made each index."""
    for folder in map(Path, experiment.indexes):
        path = folder / "index.json"
        found = read_json(path).get("versions", {}) if path.is_file() else {}
        for library, version in sorted(found.items()):
            yield {"what": place(folder), "name": library, "value": version}
