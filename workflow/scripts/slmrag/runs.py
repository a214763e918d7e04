"""The record of one engine's run: what made which answers, how fast, with how much memory."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from slmrag.engines.base import Completion, Engine
from slmrag.engines.footprint import device_facts, tree_peak_bytes

NOTE_SECONDS = 10.0


class EngineRun:
    """Counts completions; ``record`` is what the journal keeps and the answers' metadata shows."""

    def __init__(self, engine: Engine, start: float) -> None:
        self.id = uuid4().hex[:12]
        self._began = self._noted = time.perf_counter()
        self._requests = self._prompt_tokens = self._tokens = 0
        whole = engine.start_seconds or {"start": start}
        self._facts = {
            "id": self.id,
            "engine": engine.version(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "start_seconds": {name: round(value, 3) for name, value in whole.items()},
            **device_facts(),
            **engine.about(),
        }

    def count(self, finished: Sequence[Completion]) -> bool:
        """Count completions; tell whether it is time to put the record on disk."""
        self._requests += len(finished)
        self._prompt_tokens += sum(one.prompt_tokens for one in finished)
        self._tokens += sum(one.generated_tokens for one in finished)
        if time.perf_counter() - self._noted < NOTE_SECONDS:
            return False
        self._noted = time.perf_counter()
        return True

    def record(self) -> dict[str, Any]:
        """Return all that is known of the run by now."""
        return {
            **self._facts,
            "generation_seconds": round(time.perf_counter() - self._began, 3),
            "requests": self._requests,
            "prompt_tokens": self._prompt_tokens,
            "generated_tokens": self._tokens,
            "peak_cpu_bytes": tree_peak_bytes(),
        }

    def summary(self) -> dict[str, float]:
        """Return the run's numbers worth tracking."""
        record = self.record()
        seconds = max(record["generation_seconds"], 1e-9)
        return {
            "generated": self._requests,
            "engine_start_seconds": sum(record["start_seconds"].values()),
            "generation_seconds": record["generation_seconds"],
            "requests_per_second": self._requests / seconds,
            "tokens_per_second": self._tokens / seconds,
        }
