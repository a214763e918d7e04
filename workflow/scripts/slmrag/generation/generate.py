"""Generation: what the journal lacks goes through one engine, and everything into answer tables."""

import itertools
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slmrag.config import chat_options
from slmrag.files import digest, read_json
from slmrag.generation.answer_extraction import Reading
from slmrag.generation.answer_tables import Cell
from slmrag.generation.cost_cap import Budget
from slmrag.generation.engine_run import EngineRun
from slmrag.generation.engines import engine
from slmrag.generation.engines.base import (
    DRAWING,
    Completion,
    Engine,
    Finished,
    Plan,
    Refusal,
    Request,
    Sampling,
)
from slmrag.generation.engines.replicas import replicated
from slmrag.generation.journal import Journal
from slmrag.generation.prices import TOKENS, cost
from slmrag.generation.refused_prompts import recorded
from slmrag.generation.served_models import unheard
from slmrag.job import events
from slmrag.job.progress import bar
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.checkpoint_files import recipe_digest
from slmrag.models.generation_config import another_end, wishes
from slmrag.models.lora_adapter import adapter_digest
from slmrag.prompts.prompt_formatter import Layout
from slmrag.prompts.template import Prompt, prompt_digest

logger = logging.getLogger(__name__)

# Keys of an entry that reach the answer through the rendered prompt alone, or not at all.
NOT_IN_RECIPE = {"adapter", "checkpoint", "revision", "chat_template", "max_model_len"}
NOT_IN_RECIPE |= {"on_refused", "chat_template_kwargs", "reasoning"}


@dataclass
class Setup:
    """A model, how it is run, and where its files are."""

    entry: Mapping[str, Any]
    sampling: Sampling
    hardware: Mapping[str, Any]
    folder: Path | None = None
    manifest: Path | None = None
    adapter: Path | None = None

    @classmethod
    def of(cls, input: Any, params: Any) -> "Setup":
        """Read the setup out of a job's input and params."""
        return cls(
            entry=params.model,
            sampling=Sampling.of(params.model, params.sampling),
            hardware=dict(getattr(params, "hardware", None) or {}),
            folder=next(map(Path, input.checkpoint), None),
            manifest=next(map(Path, input.manifest), None),
            adapter=next(map(Path, getattr(input, "adapter", [])), None),
        )

    @cached_property
    def engine(self) -> type[Engine]:
        """The class of the engine."""
        return engine(self.entry.get("engine", "vllm"))

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """The model's files, where the engine loads any."""
        return Checkpoint(self.folder) if self.folder else None

    @cached_property
    def layout(self) -> Layout:
        """How rows become prompts for this model."""
        return Layout(self.entry, self.sampling.max_tokens, self.checkpoint, self.engine.REMOTE)

    @cached_property
    def plan(self) -> Plan:
        """What the engine is started with."""
        return Plan(
            entry=self.entry,
            sampling=self.sampling._replace(stop=()) if self.late_stop else self.sampling,
            checkpoint=self.folder,
            hardware=self.hardware,
            adapter=self.adapter,
            max_model_len=self.layout.max_model_len,
            chat=self.layout.chat or self.layout.remote_chat,
            dropped=self.layout.dropped,
        )

    @property
    def late_stop(self) -> tuple[str, ...]:
        """The stop strings that wait for the end of a reasoning: no engine gets them."""
        return self.sampling.stop if self.sampling.stop and self.layout.reasons else ()

    @property
    def reading(self) -> Reading:
        """How an answer is read out of what the model wrote."""
        return Reading(self.entry.get("reasoning"), self.late_stop)

    def recipe(self) -> dict[str, Any]:
        """Return everything that can change a completion, but the prompt."""
        return {
            "engine": self.engine.version(),
            "engine_revision": self.engine.REVISION,
            "checkpoint": recipe_digest(self._fetched["files"]) if self.manifest else None,
            "entry": self._entry(),
            "adapter": adapter_digest(self.adapter) if self.adapter else None,
            "sampling": self.plan.sampling.recipe(),
            "chat": self.plan.chat,
            **self._told(),
            **self._unlike_older_code(),
        }

    def journal(self, root: Path) -> Journal:
        """Open the journal of the recipe, with the answers of when documents were a part of it."""
        recipe = self.recipe()
        before = recipe | {"checkpoint": self._fetched.get("digest")}
        return Journal(root / digest(recipe), [root / digest(before)] if before != recipe else [])

    @cached_property
    def _fetched(self) -> Mapping[str, Any]:
        return read_json(self.manifest) if self.manifest else {}

    def _unlike_older_code(self) -> dict[str, Any]:
        """Mark what older code of Transformers may have answered otherwise, by the checkpoint.

        It drew by the checkpoint's own wishes, and had other ends.
        """
        if self.entry.get("engine") != "transformers" or self.folder is None:
            return {}
        marks = {"generation_config": "ids alone"} if wishes(self.folder) else {}
        return marks | ({"ends": "as in vllm"} if another_end(self.folder) else {})

    def _told(self) -> dict[str, Any]:
        """What else changes completions where there is any: kept tags, arguments sent away."""
        found: dict[str, Any] = {"kept": self.layout.kept} if self.layout.kept else {}
        if self.layout.remote_chat and (sent := chat_options.merged(self.entry)):
            found["chat_template_kwargs"] = sent
        return found

    def _entry(self) -> dict[str, Any]:
        """What the entry says that is neither speed nor said elsewhere in the recipe."""
        options = self.entry.get("options") or {}
        kept = {k: v for k, v in self.entry.items() if k not in NOT_IN_RECIPE | {*Sampling._fields}}
        if "temperature" in options and options["temperature"] is None:
            # The server chooses it, so these count though our own temperature may be 0.
            asked = self.sampling.asked(drawn=True)
            drawn = {key: asked[key] for key in DRAWING if key in asked}
            kept["drawn"] = {"seed": self.sampling.seed, "top_p": self.sampling.top_p, **drawn}
        return kept | {"options": {k: v for k, v in options.items() if k not in self.engine.SPEED}}


def missing(
    setup: Setup,
    journal: Journal,
    cells: Sequence[Cell],
    progress: Any,
    cut: dict[str, dict[str, Any]],
) -> Iterator[Request]:
    """Yield, once each, the prompts that the journal has no completion of, nor a final refusal.

    ``cut`` gets, by the prompt's digest, what the journal needs to know of one that was cut to fit.
    """
    recall = journal.get if setup.engine.TOKENS else lambda digest: None
    for cell in cells:
        for rows in cell.rows():
            prompts = [setup.layout.prompt(row, recall) for row in rows]
            keys = [prompt_digest(prompt.text) for prompt in prompts]
            cell.ask([row["question_id"] for row in rows], prompts, keys)
            known = journal.refusals(keys) if recorded(setup.entry) else {}
            asked = zip(keys, prompts, journal.claim(keys), strict=True)
            new = [(key, prompt) for key, prompt, new in asked if new and key not in known]
            cut.update({key: _cut(prompt) for key, prompt in new if prompt.whole})
            wanted = [(key, prompt.text) for key, prompt in new]
            progress.update(len(prompts) - len(wanted))
            yield from _requests(setup, wanted)


def _cut(prompt: Prompt) -> dict[str, Any]:
    return {name: getattr(prompt, name) for name in ("whole", "passages", "words_cut")}


def _requests(setup: Setup, wanted: Sequence[tuple[str, str]]) -> Iterator[Request]:
    if not wanted or not setup.engine.TOKENS:
        return (Request(key, text) for key, text in wanted)
    tokens = setup.layout.encode([text for _, text in wanted])
    return (Request(*one, ids) for one, ids in zip(wanted, tokens, strict=True))


def generate(setup: Setup, journal: Journal, cells: Sequence[Cell], label: str) -> dict[str, Any]:
    """Fill the journal; return counts. No engine starts where nothing is missing."""
    total = sum(cell.height() for cell in cells)
    with bar(total=total, desc=label, unit="answer") as progress:
        cut: dict[str, dict[str, Any]] = {}
        budget = budget_of(setup, journal)
        wanted = budget.affordable(missing(setup, journal, cells, progress, cut))
        first = next(wanted, None)
        counts = {"questions": total, "generated": 0, "engine_starts": 0}
        if first is not None:
            requests = budget.admitted(itertools.chain([first], wanted))
            counts |= {"engine_starts": 1, **_run(setup, journal, requests, cut, progress, budget)}
    return counts


def budget_of(setup: Setup, journal: Journal) -> Budget:
    """Return what the model's answers may cost, with what those in the journal have cost."""
    price = setup.hardware.get("price")
    spent = cost(price, *journal.sums(TOKENS)) if price else 0.0
    name, cap = str(setup.entry.get("served_name")), setup.hardware.get("max_cost")
    return Budget(name, price, cap, spent, setup.sampling.max_tokens)


def _run(
    setup: Setup,
    journal: Journal,
    requests: Iterator[Request],
    cut: dict[str, dict[str, Any]],
    progress: Any,
    budget: Budget,
) -> dict[str, Any]:
    began, label = time.perf_counter(), progress.desc
    progress.set_description(f"start {setup.engine.version()}")
    with events.component("model"), replicated(setup.engine, setup.plan) as engine:
        run = EngineRun(engine, time.perf_counter() - began)
        journal.note(run.record())
        progress.set_description(label)
        try:
            with closing(engine.answers(requests)) as answers:
                for finished in answers:
                    if _keep(run, journal, finished, cut):
                        journal.note(run.record())
                    budget.settle(finished)
                    progress.update(len(finished))
        finally:
            _end(run, journal)
    budget.close()
    return run.summary() | budget.paid()


def _keep(
    run: EngineRun,
    journal: Journal,
    finished: Sequence[Finished],
    cut: dict[str, dict[str, Any]],
) -> bool:
    """Put what came back on disk; tell whether it is time for the run's record."""
    made = [one for one in finished if isinstance(one, Completion)]
    refused = [run.line(one) for one in finished if isinstance(one, Refusal)]
    journal.append([{**run.line(one), **cut.pop(one.digest, {})} for one in made])
    if refused:
        journal.refuse(refused)
    return run.count(made)


def _end(run: EngineRun, journal: Journal) -> None:
    """Put the run's last record on disk, and say where another model than before answered it."""
    earlier = [record for id, record in journal.engines.items() if id != run.id]
    record = run.record()
    journal.note(record)
    for sentence in unheard(record, earlier):
        logger.warning(sentence)
        events.emit("alert", name="served_model_changed", message=sentence)
