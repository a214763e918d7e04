"""Generation: prompts without a cached completion go through one engine, all into the tables."""

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from slmrag.generation.answer_tables import AnswerTables
from slmrag.generation.cost_cap import Budget
from slmrag.generation.engine_run import EngineRun
from slmrag.generation.engines.base import Completion, Outcome, Refusal, Request
from slmrag.generation.engines.replicas import make_engine
from slmrag.generation.generation_job import GenerationJob
from slmrag.generation.journal import Journal
from slmrag.generation.prices import PAID_TOKENS, cost
from slmrag.generation.refused_prompts import records_refusals
from slmrag.generation.served_models import warnings_of_new_names
from slmrag.job import events
from slmrag.job.progress import bar
from slmrag.prompts.template import prompt_digest
from slmrag.prompts.truncation import Prompt

logger = logging.getLogger(__name__)


def missing_requests(
    job: GenerationJob,
    journal: Journal,
    cells: Sequence[AnswerTables],
    progress: Any,
    cut: dict[str, dict[str, Any]],
) -> Iterator[Request]:
    """Yield, once each, the prompts without a completion or a final refusal in the journal.

    ``cut`` gets, by the prompt's digest, what the journal needs to know of one that was cut to fit.
    """
    recall = journal.get if job.engine.TOKENS else lambda digest: None
    for cell in cells:
        for rows in cell.rows():
            prompts = [job.formatter.prompt(row, recall) for row in rows]
            keys = [prompt_digest(prompt.text) for prompt in prompts]
            cell.add_prompts([row["question_id"] for row in rows], prompts, keys)
            known = journal.refusals(keys) if records_refusals(job.entry) else {}
            asked = zip(keys, prompts, journal.claim(keys), strict=True)
            new = [(key, prompt) for key, prompt, new in asked if new and key not in known]
            cut.update({key: _truncation(prompt) for key, prompt in new if prompt.whole})
            wanted = [(key, prompt.text) for key, prompt in new]
            progress.update(len(prompts) - len(wanted))
            yield from _to_requests(job, wanted)


def _truncation(prompt: Prompt) -> dict[str, Any]:
    return {name: getattr(prompt, name) for name in ("whole", "passages", "words_cut")}


def _to_requests(job: GenerationJob, wanted: Sequence[tuple[str, str]]) -> Iterator[Request]:
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
        budget = make_budget(job, journal)
        wanted = budget.check_and_yield(missing_requests(job, journal, cells, progress, cut))
        first = next(wanted, None)
        counts = {"questions": total, "generated": 0, "engine_starts": 0}
        if first is not None:
            requests = budget.yield_affordable(itertools.chain([first], wanted))
            counts |= {
                "engine_starts": 1,
                **_run_engine(job, journal, requests, cut, progress, budget),
            }
    return counts


def make_budget(job: GenerationJob, journal: Journal) -> Budget:
    """Return the budget of the model, with the cost of its answers in the journal."""
    price = job.hardware.get("price")
    spent = cost(price, *journal.sums(PAID_TOKENS)) if price else 0.0
    name, cap = str(job.entry.get("served_name")), job.hardware.get("max_cost")
    return Budget(name, price, cap, spent, job.sampling.max_tokens)


def _run_engine(
    job: GenerationJob,
    journal: Journal,
    requests: Iterator[Request],
    cut: dict[str, dict[str, Any]],
    progress: Any,
    budget: Budget,
) -> dict[str, Any]:
    began, label = time.perf_counter(), progress.desc
    progress.set_description(f"start {job.engine.version()}")
    with events.component("model"), make_engine(job.engine, job.engine_config) as engine:
        run = EngineRun(engine, time.perf_counter() - began)
        journal.note_run(run.record())
        progress.set_description(label)
        try:
            with closing(engine.answers(requests)) as answers:
                for finished in answers:
                    if _store_outcomes(run, journal, finished, cut):
                        journal.note_run(run.record())
                    budget.record_costs(finished)
                    progress.update(len(finished))
        finally:
            _store_last_record(run, journal)
    budget.refuse_if_held_back()
    return run.summary() | budget.run_cost()


def _store_outcomes(
    run: EngineRun,
    journal: Journal,
    finished: Sequence[Outcome],
    cut: dict[str, dict[str, Any]],
) -> bool:
    """Write outcomes to the journal; return whether it is time to write the run's record."""
    made = [one for one in finished if isinstance(one, Completion)]
    refused = [run.journal_line(one) for one in finished if isinstance(one, Refusal)]
    journal.append([{**run.journal_line(one), **cut.pop(one.digest, {})} for one in made])
    if refused:
        journal.append_refusals(refused)
    return run.count(made)


def _store_last_record(run: EngineRun, journal: Journal) -> None:
    """Write the run's last record, and warn if another model than before answered."""
    earlier = [record for id, record in journal.engines.items() if id != run.id]
    record = run.record()
    journal.note_run(record)
    for sentence in warnings_of_new_names(record, earlier):
        logger.warning(sentence)
        events.emit("alert", name="served_model_changed", message=sentence)
