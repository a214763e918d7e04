"""The key under which completions are cached: all that can change one, except its prompt."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.config import chat_options
from slmrag.config.sampling import NEUTRAL_VALUES, STOCHASTIC_KEYS, Sampling
from slmrag.files import digest, read_json
from slmrag.generation.generation_job import GenerationJob
from slmrag.generation.journal import Journal
from slmrag.models.checkpoint_files import checkpoint_digest
from slmrag.models.generation_config import ended_elsewhere_before, sampling_requests
from slmrag.models.lora_adapter import adapter_digest

# Keys of an entry that reach the answer through the rendered prompt alone, or not at all.
ENTRY_KEYS_LEFT_OUT = {"adapter", "checkpoint", "revision", "chat_template", "max_model_len"}
ENTRY_KEYS_LEFT_OUT |= {"on_refused", "chat_template_kwargs", "reasoning"}


def cache_key(job: GenerationJob) -> dict[str, Any]:
    """Return all that a completion depends on, except its prompt; its digest names a journal."""
    return {
        "engine": job.engine.version(),
        "engine_revision": job.engine.REVISION,
        "checkpoint": checkpoint_digest(_manifest(job)["files"]) if job.manifest else None,
        "entry": _entry_part(job),
        "adapter": adapter_digest(job.adapter) if job.adapter else None,
        "sampling": sampling_key(job.engine_config.sampling),
        "chat": job.engine_config.chat,
        **_optional_parts(job),
        **_marks_of_older_code(job),
    }


def open_journal(job: GenerationJob, root: Path) -> Journal:
    """Open the journal of a job's key, and the one of older code, whose key had documents in it."""
    key = cache_key(job)
    before = key | {"checkpoint": _manifest(job).get("digest")}
    return Journal(root / digest(key), [root / digest(before)] if before != key else [])


def sampling_key(sampling: Sampling) -> dict[str, Any]:
    """Return the sampling parameters that can change an answer: greedy decoding ignores some.

    A key of ``NEUTRAL_VALUES`` that is not set is left out.
    """
    unset = dict.fromkeys(NEUTRAL_VALUES)
    kept = {**sampling._asdict(), "stop": list(sampling.stop), **unset}
    if sampling.temperature == 0:
        kept.pop("seed"), kept.pop("top_p")
    kept = {key: value for key, value in kept.items() if value is not None}
    return kept | sampling.optional_keys()


def _manifest(job: GenerationJob) -> Mapping[str, Any]:
    return read_json(job.manifest) if job.manifest else {}


def _entry_part(job: GenerationJob) -> dict[str, Any]:
    """Return the entry's keys that can change an answer and are nowhere else in the cache key."""
    options, left_out = job.entry.get("options") or {}, ENTRY_KEYS_LEFT_OUT | {*Sampling._fields}
    kept = {key: value for key, value in job.entry.items() if key not in left_out}
    if "temperature" in options and options["temperature"] is None:
        # The server chooses it, so these count though our own temperature may be 0.
        asked = job.sampling.optional_keys(drawn=True)
        drawn = {key: asked[key] for key in STOCHASTIC_KEYS if key in asked}
        kept["drawn"] = {"seed": job.sampling.seed, "top_p": job.sampling.top_p, **drawn}
    return kept | {
        "options": {k: v for k, v in options.items() if k not in job.engine.SPEED_OPTIONS}
    }


def _optional_parts(job: GenerationJob) -> dict[str, Any]:
    """Return what else changes completions: reasoning tags that are kept, template arguments."""
    tags = job.formatter.kept_tokens
    found: dict[str, Any] = {"kept": tags} if tags else {}
    if job.formatter.remote_chat and (sent := chat_options.merged_chat_arguments(job.entry)):
        found["chat_template_kwargs"] = sent
    return found


def _marks_of_older_code(job: GenerationJob) -> dict[str, Any]:
    """Return marks for checkpoints that older code of the engine transformers answered otherwise.

    It sampled by the checkpoint's generation_config, and stopped at other tokens.
    """
    if job.entry["engine"] != "transformers" or job.folder is None:
        return {}
    marks = {"generation_config": "ids alone"} if sampling_requests(job.folder) else {}
    return marks | ({"ends": "as in vllm"} if ended_elsewhere_before(job.folder) else {})
