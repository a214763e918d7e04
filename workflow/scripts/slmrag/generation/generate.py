"""Generation: what the journal lacks goes through one engine, and everything into answer tables."""

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from slmrag.generation.answer_tables import AnswerTables
from slmrag.generation.cost_cap import Budget
from slmrag.generation.engine_run import EngineRun
from slmrag.generation.engines.base import Completion, Finished, Refusal, Request
from slmrag.generation.engines.replicas import replicated
from slmrag.generation.generation_job import GenerationJob
from slmrag.generation.journal import Journal
from slmrag.generation.prices import PAID_TOKENS, cost
from slmrag.generation.refused_prompts import are_recorded
from slmrag.generation.served_models import warnings_of_new_names
from slmrag.job import events
from slmrag.job.progress import bar
from slmrag.prompts.template import prompt_digest
from slmrag.prompts.truncation import Prompt

logger = logging.getLogger(__name__)


def missing(
    job: GenerationJob,
    journal: Journal,
    cells: Sequence[AnswerTables],
    progress: Any,
    cut: dict[str, dict[str, Any]],
) -> Iterator[Request]:
    """Yield, once each, the prompts that the journal has no completion of, nor a final refusal.

    ``cut`` gets, by the prompt's digest, what the journal needs to know of one that was cut to fit.
    """
    recall = journal.get if job.engine.TOKENS else lambda digest: None
    for cell in cells:
        for rows in cell.rows():
            prompts = [job.formatter.prompt(row, recall) for row in rows]
            keys = [prompt_digest(prompt.text) for prompt in prompts]
            cell.ask([row["question_id"] for row in rows], prompts, keys)
            known = journal.refusals(keys) if are_recorded(job.entry) else {}
            asked = zip(keys, prompts, journal.claim(keys), strict=True)
            new = [(key, prompt) for key, prompt, new in asked if new and key not in known]
            cut.update({key: _truncation(prompt) for key, prompt in new if prompt.whole})
            wanted = [(key, prompt.text) for key, prompt in new]
            progress.update(len(prompts) - len(wanted))
            yield from _requests(job, wanted)


def _truncation(prompt: Prompt) -> dict[str, Any]:
    return {name: getattr(prompt, name) for name in ("whole", "passages", "words_cut")}


def _requests(job: GenerationJob, wanted: Sequence[tuple[str, str]]) -> Iterator[Request]:
    if not wanted or not job.engine.TOKENS:
        return (Request(key, text) for key, text in wanted)
    tokens = job.formatter.encode([text for _, text in wanted])
    return (Request(*one, ids) for one, ids in zip(wanted, tokens, strict=True))


def generate(
    job: GenerationJob, journal: Journal, cells: Sequence[AnswerTables], label: str
) -> dict[str, Any]:
    """Fill the journal; return counts. No engine starts where nothing is missing."""
    total = sum(cell.height() for cell in cells)
    with bar(total=total, desc=label, unit="answer") as progress:
        cut: dict[str, dict[str, Any]] = {}
        budget = budget_of(job, journal)
        wanted = budget.affordable(missing(job, journal, cells, progress, cut))
        first = next(wanted, None)
        counts = {"questions": total, "generated": 0, "engine_starts": 0}
        if first is not None:
            requests = budget.admitted(itertools.chain([first], wanted))
            counts |= {"engine_starts": 1, **_run(job, journal, requests, cut, progress, budget)}
    return counts


def budget_of(job: GenerationJob, journal: Journal) -> Budget:
    """Return what the model's answers may cost, with what those in the journal have cost."""
    price = job.hardware.get("price")
    spent = cost(price, *journal.sums(PAID_TOKENS)) if price else 0.0
    name, cap = str(job.entry.get("served_name")), job.hardware.get("max_cost")
    return Budget(name, price, cap, spent, job.sampling.max_tokens)


def _run(
    job: GenerationJob,
    journal: Journal,
    requests: Iterator[Request],
    cut: dict[str, dict[str, Any]],
    progress: Any,
    budget: Budget,
) -> dict[str, Any]:
    began, label = time.perf_counter(), progress.desc
    progress.set_description(f"start {job.engine.version()}")
    with events.component("model"), replicated(job.engine, job.engine_config) as engine:
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
    for sentence in warnings_of_new_names(record, earlier):
        logger.warning(sentence)
        events.emit("alert", name="served_model_changed", message=sentence)
