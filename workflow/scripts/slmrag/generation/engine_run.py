"""The record of one engine's run: what made which answers, how fast, with how much memory."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from slmrag.generation.engines.base import Completion, Engine, Outcome
from slmrag.generation.engines.hardware import cpu_name, first_gpu, tree_peak_bytes
from slmrag.job import events
from slmrag.job.progress import Speed
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.lora_adapter import adapter_digest

RECORD_INTERVAL_SECONDS = 10.0


class EngineRun:
    """Counts completions; its record goes into the journal and the metadata of answers."""

    def __init__(self, engine: Engine, start: float) -> None:
        self.id = uuid4().hex[:12]
        self._start = self._recorded_at = time.monotonic()
        self._cpu_start = time.process_time()
        self._engine = engine
        self._requests = 0
        self._prompt_tokens: int | None = 0
        self._tokens: int | None = 0
        self._speed = Speed("tokens")
        self._peak = 0
        self._last: dict[str, Any] = {}
        whole = engine.start_seconds or {"start": start}
        about = engine.about()
        if about.get("gpu_unused"):
            events.emit("alert", name="gpu_unused", message=about["gpu_unused"])
        self._gpu = engine.config.gpus > 0 and about.get("device") != "cpu"
        gpu = first_gpu() if self._gpu else {}
        self._energy = gpu.get("energy_millijoules")
        self._facts = {
            "id": self.id,
            "engine": engine.version(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "start_seconds": {name: value and round(value, 3) for name, value in whole.items()},
            "gpu_name": gpu.get("name"),
            "driver": gpu.get("driver"),
            "cpu_name": cpu_name() if about.get("device") == "cpu" else None,
            "parameters": count_parameters(engine),
            "adapter": adapter_digest(engine.config.adapter) if engine.config.adapter else None,
            **about,
        }

    def count(self, finished: Sequence[Completion]) -> bool:
        """Count completions; return whether it is time to write the record to disk."""
        if not self._requests:
            self._peak = max(self._peak, tree_peak_bytes())
        self._requests += len(finished)
        self._prompt_tokens = _sum_if_known(
            [self._prompt_tokens, *(x.prompt_tokens for x in finished)]
        )
        self._tokens = _sum_if_known([self._tokens, *(one.generated_tokens for one in finished)])
        if self._tokens is not None:
            self._speed.update(self._tokens)
        if time.monotonic() - self._recorded_at < RECORD_INTERVAL_SECONDS:
            return False
        self._recorded_at = time.monotonic()
        return True

    def journal_line(self, one: Outcome) -> dict[str, Any]:
        """Return an outcome's line for the journal; ``finished`` is in seconds since the start."""
        made = one._asdict()
        ended = made.pop("ended")
        finished = None if ended is None else round(ended - self._start, 6)
        return {**made, "finished": finished, "engine": self.id}

    def record(self) -> dict[str, Any]:
        """Return all that is known of the run so far."""
        self._last = {
            **self._facts,
            **(self._engine.about() if self._engine.REMOTE else {}),
            "generation_seconds": round(time.monotonic() - self._start, 3),
            "cpu_seconds": round(time.process_time() - self._cpu_start, 3),
            "requests": self._requests,
            "prompt_tokens": self._prompt_tokens,
            "generated_tokens": self._tokens,
            **self._memory(),
            "energy_joules": self._joules(),
        }
        return self._last

    def _memory(self) -> dict[str, int | None]:
        """Return the peaks of the process tree: at least those that the job's sampler saw."""
        seen = events.memory_peaks()
        self._peak = max(self._peak, tree_peak_bytes(), int(seen.get("rss_bytes", 0)))
        held = seen.get("gpu_bytes")
        return {"peak_cpu_bytes": self._peak, "peak_gpu_bytes": int(held) if held else None}

    def _joules(self) -> float | None:
        """Return the energy that the job's first GPU used since the start, if it counts it."""
        now = first_gpu().get("energy_millijoules") if self._gpu else None
        return (now - self._energy) / 1000 if now is not None and self._energy is not None else None

    def summary(self) -> dict[str, float]:
        """Return the numbers of the last record that are tracked, without the engine's shutdown."""
        record = self._last or self.record()
        seconds = max(record["generation_seconds"], 1e-9)
        starts = record["start_seconds"]
        known = {f"engine_start/{name}_seconds": value for name, value in starts.items()}
        known |= {name: record[name] for name in ("peak_cpu_bytes", "peak_gpu_bytes")}
        known |= {"energy_joules": record["energy_joules"]}
        if self._tokens is not None:
            known["tokens_per_second"] = self._tokens / seconds
        return {
            "generated": self._requests,
            "engine_start_seconds": sum(filter(None, starts.values())),
            "generation_seconds": record["generation_seconds"],
            "cpu_seconds": record["cpu_seconds"],
            "requests_per_second": self._requests / seconds,
            **{name: value for name, value in known.items() if value is not None},
        }


def _sum_if_known(counts: Sequence[int | None]) -> int | None:
    """Return a sum, None where one of the numbers is unknown."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def count_parameters(engine: Engine) -> int | None:
    """Return the number of the model's weights, or None where there is no checkpoint here."""
    folder = engine.config.checkpoint
    return (Checkpoint(folder).parameters or None) if folder else None
