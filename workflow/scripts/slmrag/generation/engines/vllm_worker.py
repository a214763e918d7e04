"""Code that runs inside vLLM's worker process and reads its numbers."""

import logging
from typing import Any, ClassVar

# Beginnings of vLLM's log lines on its start: the step, and the argument with its seconds.
START_LINES = {
    "Loading weights took": ("weights", 0),
    "Graph capturing finished in": ("capture", 0),
}


class StartTimes(logging.Handler):
    """Keeps the seconds of start-up steps, taken from vLLM's own log lines."""

    seconds: ClassVar[dict[str, float]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the seconds of a known line; those of further ranks replace them."""
        for begins, (name, place) in START_LINES.items():
            if str(record.msg).startswith(begins) and isinstance(record.args, tuple):
                self.seconds[name] = float(str(record.args[place]))


# vLLM imports this module before it loads a model.
logging.getLogger("vllm").addHandler(StartTimes(logging.INFO))


class WorkerFacts:
    """Mixed into vLLM's worker (``worker_extension_cls``), called by ``collective_rpc``."""

    model_runner: Any  # the worker's

    def slmrag_facts(self) -> dict[str, Any]:
        """Return start_seconds (weights, compile, capture; null for what there was none of).

        On a GPU weight_bytes is what the weights hold there. On a CPU vLLM packs the weights anew
        and lets go of the originals, so nothing is counted.
        """
        compilation = getattr(self, "compilation_config", None)
        compiled = float(getattr(compilation, "compilation_time", 0.0) or 0.0) or None
        known = dict.fromkeys(("weights", "compile", "capture"))
        facts = {"start_seconds": known | {"compile": compiled} | StartTimes.seconds}
        weights = [one for one in self.model_runner.get_model().parameters() if one.is_cuda]
        if weights:
            facts["weight_bytes"] = sum(one.numel() * one.element_size() for one in weights)
        return facts
