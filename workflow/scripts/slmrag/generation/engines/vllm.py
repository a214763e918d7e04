"""vLLM's offline engine; completions are yielded from its step loop as they finish."""

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self, cast

from slmrag.generation.engines import base, vllm_arguments
from slmrag.generation.engines.error_advice import advice_on
from slmrag.generation.engines.parallelism import Split, choose_split
from slmrag.models.checkpoint import Checkpoint

if TYPE_CHECKING:
    from vllm import RequestOutput, SamplingParams

WAITING_REQUESTS = 256
STOP_SECONDS = 1.0


class Engine(base.Engine):
    """One ``vllm.LLM`` whose queue is kept filled."""

    SPEED_OPTIONS = frozenset(
        {"kv_cache_memory_bytes", "max_num_batched_tokens", "async_scheduling"}
    )

    @staticmethod
    def version() -> str:
        """Return vLLM's version; a CPU build of the same version is the same engine."""
        return base.installed_version(*vllm_arguments.PACKAGES)

    @classmethod
    def split(cls, config: base.EngineConfig) -> Split:
        """Return the replicas and the GPUs of each, by the job's GPUs and the model's size."""
        where = vllm_arguments.find_device(config)
        wanted = vllm_arguments.gpus_for_weights(config, where)
        return choose_split(config.hardware, Checkpoint(config.folder), wanted)

    def __enter__(self) -> Self:
        """Check, import vLLM, load the model; UserError with advice where that fails."""
        where = vllm_arguments.find_device(self.config)
        for name, value in vllm_arguments.environment(self.config, where).items():
            os.environ.setdefault(name, value)
        arguments = vllm_arguments.engine_arguments(self.config, where)
        began = time.perf_counter()
        try:
            from vllm import LLM

            imported = time.perf_counter()
            self._llm = LLM(worker_extension_cls=f"{WORKER_MODULE}.WorkerFacts", **arguments)
            (self._facts, *_) = self._llm.collective_rpc("slmrag_facts")
        except Exception as error:
            raise advice_on(error) or error from error
        steps = self._facts.pop("start_seconds")
        other = time.perf_counter() - imported - sum(filter(None, steps.values()))
        self.start_seconds = {"import": imported - began, **steps, "other": max(0.0, other)}
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the model and end the engine's processes."""
        core = self._llm.llm_engine.engine_core
        del self._llm
        core.shutdown(timeout=STOP_SECONDS)

    def answers(self, requests: Iterator[base.Request]) -> base.Answers:
        """Keep the engine's queue filled, and yield what each step finishes."""
        try:
            yield from self._stream(requests)
        except Exception as error:
            raise advice_on(error) or error from error

    def _stream(self, requests: Iterator[base.Request]) -> base.Answers:
        engine = self._llm.llm_engine
        room = engine.vllm_config.scheduler_config.max_num_seqs + WAITING_REQUESTS
        add, number = self._make_adder(), 0
        digests: dict[str, str] = {}
        more = True
        while more or digests:
            while more and len(digests) < room:
                request = next(requests, None)
                if request is None:
                    more = False
                    break
                number += 1
                digests[str(number)] = request.digest
                add(str(number), request)
            finished = [output for output in engine.step() if output.finished] if digests else []
            if finished:
                made = cast("list[RequestOutput]", finished)  # none of a pooling model
                yield [self._completion(digests.pop(one.request_id), one) for one in made]

    def _completion(self, digest: str, output: "RequestOutput") -> base.Completion:
        made = to_completion(digest, output)
        return made._replace(text=base.without_tokens(made.text, self.config.dropped_tokens))

    def _make_adder(self) -> Any:
        """Return a function that adds a request to vLLM's queue, as the offline ``LLM`` does."""
        from vllm.inputs import tokens_input

        engine, sampling, lora = self._llm.llm_engine, self._sampling_params(), self._lora_request()

        def add(name: str, request: base.Request) -> None:
            prompt = tokens_input(list(request.tokens or ()))
            engine.add_request(name, prompt, sampling, lora_request=lora)

        return add

    def _sampling_params(self) -> "SamplingParams":
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        wanted = self.config.sampling
        return SamplingParams(
            temperature=wanted.temperature,
            max_tokens=wanted.max_tokens,
            top_p=wanted.top_p,
            seed=wanted.seed if wanted.temperature > 0 else None,
            stop=list(wanted.stop) or None,
            **wanted.optional_keys(),
            skip_special_tokens=self.config.dropped_tokens is None,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _lora_request(self) -> Any:
        if self.config.adapter is None:
            return None
        from vllm.lora.request import LoRARequest

        return LoRARequest("adapter", 1, str(self.config.adapter))

    def about(self) -> dict[str, Any]:
        """Return the device and what the engine settled on."""
        config = self._llm.llm_engine.vllm_config
        return {
            "device": str(config.device_config.device_type),
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            "quantization": config.model_config.quantization,
            "max_model_len": config.model_config.max_model_len,
            "max_num_seqs": config.scheduler_config.max_num_seqs,
            "max_num_batched_tokens": config.scheduler_config.max_num_batched_tokens,
            "chunked_prefill": config.scheduler_config.enable_chunked_prefill,
            "tensor_parallel": config.parallel_config.tensor_parallel_size,
            "batch_invariant": bool(self.config.options.get("batch_invariant")),
            "gpu_unused": self.config.gpu_unused,
            **self._facts,
        }


WORKER_MODULE = "slmrag.generation.engines.vllm_worker"


def to_completion(digest: str, output: "RequestOutput") -> base.Completion:
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
        ended=times.last_token_ts if times else None,
        cached_tokens=output.num_cached_tokens or 0,
    )
