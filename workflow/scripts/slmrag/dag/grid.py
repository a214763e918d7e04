"""The grid of the comparison: the cells, indexes and retrieval runs of a config."""

import re
from collections.abc import Iterable
from itertools import chain

from slmrag.config.schema import Config


def cells(config: Config) -> list[str]:
    """Return the ``dataset/mode`` cells that every model answers, in the config's order."""
    skipped = {(skip.dataset, skip.mode) for skip in config.skip}
    return [
        f"{dataset}/{mode}"
        for dataset in config.datasets
        for mode in config.modes
        if (dataset, mode) not in skipped
    ]


def rows(config: Config) -> list[tuple[str, str, str]]:
    """Return (model, dataset, mode) for every cell of the comparison."""
    pairs = [_split_pair(cell) for cell in cells(config)]
    return [(model, *pair) for model in config.models for pair in pairs]


def _split_pair(name: str) -> tuple[str, str]:
    first, second = name.split("/")
    return first, second


def runs(config: Config) -> list[str]:
    """Return the ``dataset/retriever`` runs that the modes of the comparison read."""
    pairs = map(_split_pair, cells(config))
    used = [(dataset, config.modes[mode].retriever) for dataset, mode in pairs]
    return list(dict.fromkeys(f"{dataset}/{name}" for dataset, name in used if name))


def retrievers(config: Config) -> list[str]:
    """Return the retrievers that the runs search with, and those that they combine."""
    return list(dict.fromkeys(name for _, name in searches(config)))


def searches(config: Config) -> list[tuple[str, str]]:
    """Return (data set, retriever) of each run, and of those that it combines."""
    found = [_split_pair(run) for run in runs(config)]
    for dataset, name in found:
        below = [(dataset, other) for other in config.retrievers[name].upstream()]
        found += [pair for pair in dict.fromkeys(below) if pair not in found]
    return found


def checkpoints(config: Config) -> list[tuple[str, str]]:
    """Return (encoder or query_encoder, retriever) of each checkpoint that the runs read."""
    return [
        (kind, name)
        for name in retrievers(config)
        for kind in sorted(config.retrievers[name].checkpoints())
    ]


def datasets(config: Config) -> list[str]:
    """Return the data sets of the comparison."""
    return list(dict.fromkeys(cell.split("/")[0] for cell in cells(config)))


def searched_datasets(config: Config) -> list[str]:
    """Return the data sets that a run of the comparison retrieves for."""
    return list(dict.fromkeys(run.split("/")[0] for run in runs(config)))


def corpora(config: Config) -> list[str]:
    """Return the corpora that the runs search."""
    used = (config.datasets[run.split("/")[0]].corpus for run in runs(config))
    return list(dict.fromkeys(name for name in used if name))


def objects(config: Config) -> list[str]:
    """Return the raw objects that the comparison is made from."""
    named = [config.datasets[name].objects() for name in datasets(config)]
    named += [config.corpora[name].objects() for name in corpora(config)]
    return list(dict.fromkeys(chain.from_iterable(named)))


def indexes(config: Config) -> list[str]:
    """Return the ``corpus/retriever`` indexes that the runs search, directly or combined."""
    own = [(one, name) for one, name in searches(config) if not config.retrievers[name].upstream()]
    return list(dict.fromkeys(f"{config.datasets[one].corpus}/{name}" for one, name in own))


def graded_cells(config: Config) -> list[tuple[str, str, str]]:
    """Return (model, dataset, mode) of the cells that the judge grades."""
    judged = config.judge.datasets if config.judge else []
    return [row for row in rows(config) if row[1] in judged]


def pattern(names: Iterable[str]) -> str:
    """Return a wildcard's pattern that matches these names only."""
    return "|".join(map(re.escape, names)) or "(?!)"
