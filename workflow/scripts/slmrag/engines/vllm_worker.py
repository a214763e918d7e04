"""What runs inside vLLM's worker, wherever that is: its own numbers."""

from typing import Any


class Facts:
    """Mixed into vLLM's worker (``worker_extension_cls``), called by ``collective_rpc``."""

    def slmrag_facts(self) -> dict[str, Any]:
        """Return compile_seconds and, on a GPU, the bytes of the weights of this worker.

        On a CPU vLLM packs the weights anew and lets go of the originals, so nothing is counted.
        """
        compilation = getattr(self, "compilation_config", None)
        facts = {"compile_seconds": float(getattr(compilation, "compilation_time", 0.0) or 0.0)}
        weights = [one for one in self.model_runner.get_model().parameters() if one.is_cuda]
        if weights:
            facts["weight_bytes"] = sum(one.numel() * one.element_size() for one in weights)
        return facts
