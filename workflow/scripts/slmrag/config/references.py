"""Checks of references between entries, made once, when the config is read."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from slmrag.config import engine_options, language_checks, sampling_checks
from slmrag.config.name_clashes import name_clashes
from slmrag.errors import nearest

if TYPE_CHECKING:
    from slmrag.config.schema import Config

FORMATS_WITHOUT_GOLD = {
    "dpr_qa": "has no gold passages",
    "nq_open": "has no gold passages",
    "simpleqa": "has no gold passages",
    "kilt": "names its gold passages without their text",
}


def reference_problems(config: "Config") -> list[str]:
    """Return a sentence for each unknown name, and for each cell that cannot be made."""
    unclear = [*_dataset_problems(config), *_mode_problems(config), *_skip_problems(config)]
    return [
        *name_problems(config),
        *_retriever_loops(config),
        *_cost_limits(config),
        *_passage_counts(config),
        *_token_limits(config),
        *sampling_checks.sampling_problems(config),
        *language_checks.metric_problems(config),
        *([] if unclear else _cell_problems(config)),
    ]


def _cost_limits(config: "Config") -> Iterator[str]:
    """Yield a sentence for each max_cost that several jobs of a model would spend each."""
    for name, model in config.models.items():
        if model.max_cost and config.generation.batch == "cell":
            yield (
                f"models.{name}.max_cost: with generation.batch: cell jobs run side by side and "
                "none knows what the others spend; remove it, or set batch: model"
            )


def name_problems(config: "Config") -> list[str]:
    """Return a sentence for each name that no entry has."""
    return [
        *_object_problems(config),
        *_dataset_problems(config),
        *_retriever_problems(config),
        *_mode_problems(config),
        *_skip_problems(config),
        *_judge_problems(config),
        *name_clashes(config),
    ]


def _token_limits(config: "Config") -> Iterator[str]:
    """Yield a sentence where an option of an endpoint's model contradicts max_tokens."""
    for where, model, sampling in sampling_checks.sampling_of_models(config):
        if model.engine == "openai":
            found = engine_options.token_limit_problems(model.options or {}, sampling.max_tokens)
            yield from (f"{where}.{problem}" for problem in found)


def _unknown_name(where: str, name: str, kind: str, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        hint = nearest(name, known) or f"; known: {', '.join(known) or 'none'}"
        yield f"{where}: no {kind} is called '{name}'{hint}"


def _object_problems(config: "Config") -> Iterator[str]:
    for name, corpus in config.corpora.items():
        for used in corpus.objects():
            yield from _unknown_name(f"corpora.{name}.object", used, "object", config.objects)
    for name, dataset in config.datasets.items():
        yield from _unknown_name(
            f"datasets.{name}.object", dataset.object, "object", config.objects
        )
        if dataset.gold:
            yield from _unknown_name(
                f"datasets.{name}.gold", dataset.gold, "object", config.objects
            )
        if dataset.train:
            yield from _unknown_name(
                f"datasets.{name}.train", dataset.train, "object", config.objects
            )


def _dataset_problems(config: "Config") -> Iterator[str]:
    for name, dataset in config.datasets.items():
        if dataset.corpus:
            yield from _unknown_name(
                f"datasets.{name}.corpus", dataset.corpus, "corpus", config.corpora
            )


def _retriever_problems(config: "Config") -> Iterator[str]:
    for name, retriever in config.retrievers.items():
        for other in retriever.upstream():
            yield from _unknown_name(f"retrievers.{name}.of", other, "retriever", config.retrievers)


def _retriever_loops(config: "Config") -> Iterator[str]:
    for name in config.retrievers:
        if _reaches(config, name, name):
            yield f"retrievers.{name}.of: refers back to itself; name other retrievers"


def _reaches(config: "Config", start: str, goal: str) -> bool:
    """Tell whether a retriever combines ``goal``, itself or through those that it combines."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        entry = config.retrievers.get(waiting.pop())
        news = set(entry.upstream() if entry else []) - found
        found |= news
        waiting += news
    return goal in found


def _mode_problems(config: "Config") -> Iterator[str]:
    for name, mode in config.modes.items():
        if mode.retriever:
            where = f"modes.{name}.retriever"
            yield from _unknown_name(where, mode.retriever, "retriever", config.retrievers)


def _passage_counts(config: "Config") -> Iterator[str]:
    for name, mode in config.modes.items():
        retriever = config.retrievers.get(mode.retriever) if mode.retriever else None
        if retriever and mode.depth() > retriever.depth:
            yield (
                f"modes.{name}.passages: {mode.depth()} passages are more than the depth "
                f"{retriever.depth} of retriever '{mode.retriever}'; lower one or raise the other"
            )


def _skip_problems(config: "Config") -> Iterator[str]:
    for index, skip in enumerate(config.skip):
        yield from _unknown_name(f"skip.{index}.dataset", skip.dataset, "dataset", config.datasets)
        yield from _unknown_name(f"skip.{index}.mode", skip.mode, "mode", config.modes)


def _judge_problems(config: "Config") -> Iterator[str]:
    for name in config.judge.datasets if config.judge else []:
        yield from _unknown_name("judge.datasets", name, "dataset", config.datasets)


def _cell_problems(config: "Config") -> Iterator[str]:
    skipped = {(skip.dataset, skip.mode) for skip in config.skip}
    cells = [
        (dataset, mode)
        for dataset in config.datasets
        for mode in config.modes
        if (dataset, mode) not in skipped
    ]
    if not cells:
        yield "skip: leaves no cell to run; remove an entry"
    for dataset, mode in cells:
        yield from _problems_of_cell(config, dataset, mode)
        yield from language_checks.cell_problems(config, dataset, mode)


def _problems_of_cell(config: "Config", dataset: str, mode: str) -> Iterator[str]:
    entry, context = config.datasets[dataset], config.modes[mode].context
    leave_out = f"or add {{dataset: {dataset}, mode: {mode}}} to skip"
    if context == "retriever" and entry.corpus is None:
        yield f"datasets.{dataset}.corpus: missing, but mode '{mode}' retrieves; add it {leave_out}"
    if context == "oracle" and entry.format in FORMATS_WITHOUT_GOLD and not entry.gold:
        holder = "KILT's knowledge source" if entry.format == "kilt" else "an object with them"
        yield (
            f"datasets.{dataset}.gold: missing: format {entry.format} "
            f"{FORMATS_WITHOUT_GOLD[entry.format]}, but mode '{mode}' needs them; name {holder} "
            f"{leave_out}"
        )
