"""The record of one engine's run: what made which answers, how fast, with how much memory."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from slmrag.engines.base import Completion, Engine
from slmrag.engines.footprint import first_gpu, tree_peak_bytes

NOTE_SECONDS = 10.0


class EngineRun:
    """Counts completions; ``record`` is what the journal keeps and the answers' metadata shows."""

    def __init__(self, engine: Engine, start: float) -> None:
        self.id = uuid4().hex[:12]
        self._began = self._noted = time.perf_counter()
        self._worked = time.process_time()
        self._requests = self._prompt_tokens = self._tokens = 0
        self._peak = 0
        whole = engine.start_seconds or {"start": start}
        self._gpu = engine.plan.gpus > 0
        gpu = first_gpu() if self._gpu else {}
        self._energy = gpu.get("energy_millijoules")
        self._facts = {
            "id": self.id,
            "engine": engine.version(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "start_seconds": {name: round(value, 3) for name, value in whole.items()},
            **({"gpu_name": gpu["name"], "driver": gpu["driver"]} if gpu else {}),
            **engine.about(),
        }

    def count(self, finished: Sequence[Completion]) -> bool:
        """Count completions; tell whether it is time to put the record on disk."""
        if not self._requests:
            self._peak = max(self._peak, tree_peak_bytes())
        self._requests += len(finished)
        self._prompt_tokens += sum(one.prompt_tokens for one in finished)
        self._tokens += sum(one.generated_tokens for one in finished)
        if time.perf_counter() - self._noted < NOTE_SECONDS:
            return False
        self._noted = time.perf_counter()
        return True

    def record(self) -> dict[str, Any]:
        """Return all that is known of the run by now."""
        self._peak = max(self._peak, tree_peak_bytes())
        return {
            **self._facts,
            "generation_seconds": round(time.perf_counter() - self._began, 3),
            "cpu_seconds": round(time.process_time() - self._worked, 3),
            "requests": self._requests,
            "prompt_tokens": self._prompt_tokens,
            "generated_tokens": self._tokens,
            "peak_cpu_bytes": self._peak,
            **self._gpu_numbers(),
        }

    def _gpu_numbers(self) -> dict[str, Any]:
        """Return memory in use and energy since the start, of the job's first GPU."""
        gpu = first_gpu() if self._gpu else {}
        found = {"peak_gpu_bytes": gpu["used_bytes"]} if gpu else {}
        if gpu.get("energy_millijoules") is not None and self._energy is not None:
            found["energy_joules"] = (gpu["energy_millijoules"] - self._energy) / 1000
        return found

    def summary(self) -> dict[str, float]:
        """Return the run's numbers worth tracking."""
        record = self.record()
        seconds = max(record["generation_seconds"], 1e-9)
        return {
            "generated": self._requests,
            "engine_start_seconds": sum(record["start_seconds"].values()),
            "generation_seconds": record["generation_seconds"],
            "cpu_seconds": record["cpu_seconds"],
            "requests_per_second": self._requests / seconds,
            "tokens_per_second": self._tokens / seconds,
        }
