"""Models, their decoding parameters, and the judge."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from slmrag.config import engine_options
from slmrag.config.base import Entry, Name
from slmrag.config.chat_options import OWN_TEMPLATE_CHOICES, contradictions
from slmrag.config.checkpoints import Checkpoint
from slmrag.config.reasoning_tags import REASONING_TAGS
from slmrag.config.sampling import Sampling

DEFAULT_SAMPLING = Sampling()
Penalty = Annotated[float, Field(ge=-2, le=2)]
"""The range of a penalty in OpenAI's protocol."""


class SamplingEntry(Entry):
    """Decoding parameters; a model's entry may override them."""

    temperature: NonNegativeFloat = Field(
        DEFAULT_SAMPLING.temperature, description="0 is greedy decoding"
    )
    max_tokens: PositiveInt = Field(
        DEFAULT_SAMPLING.max_tokens, description="Maximum tokens of an answer"
    )
    seed: int = Field(DEFAULT_SAMPLING.seed, description="Seed of each request")
    top_p: PositiveFloat | None = Field(
        None, le=1, description="Nucleus sampling: share of the probability mass"
    )
    stop: list[str] | None = Field(None, description="Strings that end an answer")
    top_k: NonNegativeInt | None = Field(
        None, description="Sample from this many most likely tokens (0: from all)"
    )
    min_p: NonNegativeFloat | None = Field(
        None, le=1, description="Exclude tokens below this share of the highest probability"
    )
    repetition_penalty: PositiveFloat | None = Field(
        None, description="Divide the score of tokens seen in prompt or answer (1: do not)"
    )
    presence_penalty: Penalty | None = Field(
        None,
        description="Subtract from tokens that the answer holds; not transformers",
    )
    frequency_penalty: Penalty | None = Field(
        None, description="Subtract for each time in the answer; not transformers"
    )
    min_tokens: NonNegativeInt | None = Field(None, description="Minimum tokens of an answer")


class ReasoningEntry(Entry):
    """The tags around a model's reasoning, for a family that is not known by name."""

    begin: str | None = Field(
        None, description="Text that begins it; null: every completion starts inside the reasoning"
    )
    end: str = Field(min_length=1, description="Text that ends it")


class PriceEntry(Entry):
    """What an endpoint charges for its tokens."""

    input_per_million: NonNegativeFloat = Field(description="For a million tokens of prompts")
    output_per_million: NonNegativeFloat = Field(
        description="For a million tokens of answers, hidden reasoning among them"
    )
    currency: str = Field("USD", min_length=1, description="Currency of both")


if TYPE_CHECKING:
    Family = str
else:
    Family = Literal[("auto", "none", *REASONING_TAGS)]


class ModelEntry(Entry):
    """A checkpoint, the engine that runs it, and how."""

    HARDWARE: ClassVar[frozenset[str]] = frozenset(
        {
            "gpus",
            "mem_mb",
            "runtime",
            "gpu_memory_utilization",
            "max_num_seqs",
            "enforce_eager",
            "tensor_parallel",
            "data_parallel",
            "price",
            "max_cost",
        }
    )

    ENDPOINT_KEYS: ClassVar[tuple[str, ...]] = ("on_refused", "price", "max_cost")
    """Keys that are for an endpoint only."""

    engine: Literal["vllm", "transformers", "openai", "echo"] = Field(
        "vllm", description="What runs the model"
    )
    checkpoint: Checkpoint | None = Field(
        None,
        description="hf:org/name, s3://bucket/prefix/ or a folder; a table {uri, …} with keys of "
        "its own for S3, as an object has them",
    )
    revision: str | None = Field(None, description="Commit of an hf: checkpoint; pin it")
    allow_pickle: bool | None = Field(
        None,
        description="Load pytorch_model*.bin if there are no safetensors: torch reads only the "
        "tensors and runs no code (false)",
    )
    dtype: Literal["auto", "float32", "float16", "bfloat16"] | None = Field(
        None, description="Type of weights and activations; null is the engine's default"
    )
    quantization: str | None = Field(None, description="Quantization by the engine's name for it")
    load_in_8bit: bool | None = Field(None, description="8-bit weights, as in Transformers")
    adapter: str | None = Field(None, description="LoRA adapter: a folder")
    chat_template: str | None = Field(
        None, description="The tokenizer's if it has one (auto), none, or a path (auto)"
    )
    thinking: bool | None = Field(None, description="Let the model reason before it answers")
    chat_template_kwargs: dict[str, Any] | None = Field(
        None,
        description="Further arguments of the chat template, such as {thinking: true}; also sent "
        "to an endpoint",
    )
    reasoning: Family | ReasoningEntry | None = Field(
        None,
        description="How reasoning is separated from the answer: by the tags of all families "
        "(auto), not at all (none), by the tags of one family (its name) or by {begin, end} "
        "(auto)",
    )
    max_model_len: PositiveInt | None = Field(None, description="Tokens of prompt and answer")
    temperature: NonNegativeFloat | None = Field(None, description="Overrides sampling.temperature")
    max_tokens: PositiveInt | None = Field(None, description="Overrides sampling.max_tokens")
    top_p: PositiveFloat | None = Field(None, le=1, description="Overrides sampling.top_p")
    seed: int | None = Field(None, description="Overrides sampling.seed")
    stop: list[str] | None = Field(None, description="Overrides sampling.stop")
    top_k: NonNegativeInt | None = Field(None, description="Overrides sampling.top_k")
    min_p: NonNegativeFloat | None = Field(None, le=1, description="Overrides sampling.min_p")
    repetition_penalty: PositiveFloat | None = Field(
        None, description="Overrides sampling.repetition_penalty"
    )
    presence_penalty: Penalty | None = Field(
        None, description="Overrides sampling.presence_penalty"
    )
    frequency_penalty: Penalty | None = Field(
        None, description="Overrides sampling.frequency_penalty"
    )
    min_tokens: NonNegativeInt | None = Field(None, description="Overrides sampling.min_tokens")
    options: dict[str, Any] | None = Field(
        None, description="Further arguments of the engine, which can change an answer"
    )
    endpoint: str | None = Field(None, description="For openai: base URL of the service")
    served_name: str | None = Field(None, description="For openai: the model's name there")
    on_refused: Literal["fail", "record"] | None = Field(
        None,
        description="For openai, if the endpoint refuses a prompt. fail: all others are answered, "
        "then the job fails and names the prompt; record: its answer is empty and scores 0 (fail)",
    )
    price: PriceEntry | None = Field(None, description="For openai: what the endpoint charges")
    max_cost: PositiveFloat | None = Field(
        None,
        description="For openai: upper limit for the cost of the model's answers, by its price and "
        "with those in the journal; a request that could exceed it is not sent",
    )
    gpus: NonNegativeInt | None = Field(
        None,
        description="GPUs of the job, which must exist; 0: the CPU, without a warning about an "
        "idle GPU; unset: 1 for vllm and transformers, or the CPU if there is none",
    )
    mem_mb: PositiveInt | None = Field(None, description="Host memory of the job, in MB")
    runtime: PositiveInt | None = Field(None, description="Time limit of the job, in minutes")
    gpu_memory_utilization: PositiveFloat | None = Field(
        None, le=1, description="Share of the GPU's memory that vLLM may take"
    )
    max_num_seqs: PositiveInt | None = Field(None, description="Sequences in one batch")
    enforce_eager: bool | None = Field(None, description="Skip compilation and graph capture")
    tensor_parallel: PositiveInt | None = Field(None, description="GPUs that share one copy")
    data_parallel: PositiveInt | None = Field(None, description="Copies of the model")

    @model_validator(mode="before")
    @classmethod
    def move_sampling_keys(cls, raw: Any) -> Any:
        """Move sampling keys from the options to the entry, for engines that run in the job."""
        if not isinstance(raw, dict):
            return raw
        name = raw.get("engine", cls.model_fields["engine"].default)
        return engine_options.move_sampling_keys(raw, name, SamplingEntry.model_fields)

    @model_validator(mode="after")
    def check_engine_keys(self) -> Self:
        """Require the checkpoint or endpoint that the engine needs; refuse keys it ignores."""
        if self.engine in ("vllm", "transformers") and not self.checkpoint:
            raise ValueError(
                f"engine: {self.engine} needs a checkpoint (hf:org/name, s3://… or a folder)"
            )
        for sentence in engine_options.option_problems(
            self.engine, self.options or {}, SamplingEntry.model_fields
        ):
            raise ValueError(sentence)
        if self.engine == "openai" and not (self.endpoint and self.served_name):
            raise ValueError("engine: openai needs an endpoint and a served_name")
        if self.engine == "openai" and (
            found := list(engine_options.endpoint_problems(self.model_dump(mode="json")))
        ):
            raise ValueError("; ".join(found))
        if self.engine != "openai" and (self.endpoint or self.served_name):
            name = "endpoint" if self.endpoint else "served_name"
            raise ValueError(f"{name} does nothing with engine: {self.engine}; remove the key")
        if self.endpoint and not self.endpoint.startswith(("http://", "https://")):
            raise ValueError(f"endpoint: {self.endpoint} must begin with http:// or https://")
        return self

    @model_validator(mode="after")
    def refuse_unused_endpoint_keys(self) -> Self:
        """Refuse endpoint keys without an endpoint, and max_cost without a price."""
        unused = [name for name in self.ENDPOINT_KEYS if getattr(self, name) is not None]
        if unused and self.engine != "openai":
            raise ValueError(f"{unused[0]} is only for engine: openai; remove it")
        if self.max_cost and not self.price:
            raise ValueError(
                "max_cost needs a price: {input_per_million: …, output_per_million: …}"
            )
        return self

    @model_validator(mode="after")
    def check_chat_options(self) -> Self:
        """Refuse arguments of the chat template that contradict each other or have no reader."""
        if found := contradictions(self.params()):
            raise ValueError(found[0])
        return self

    def template_files(self) -> list[str]:
        """Return the path of the chat template, if the entry names a file."""
        words = (*OWN_TEMPLATE_CHOICES, "none")
        return [] if self.chat_template in words else [self.chat_template]

    def gpu_count(self) -> int:
        """Return the GPUs that the job asks for."""
        return self.gpus if self.gpus is not None else int(self.engine in ("vllm", "transformers"))

    def memory(self) -> int:
        """Return the host memory that the job's first attempt asks for, in MB."""
        return self.mem_mb or (16_000 if self.checkpoint else 4_000)

    def minutes(self) -> int:
        """Return the time limit of the job's first attempt."""
        return self.runtime or 720


class JudgeEntry(Entry):
    """A model that grades answers as correct, incorrect or not attempted (SimpleQA's grading)."""

    SAMPLING: ClassVar[dict[str, Any]] = {"max_tokens": 8}
    """The judge's decoding parameters that differ from the defaults; its entry may set them."""

    model: ModelEntry = Field(description="The judge, as an entry of models")
    datasets: list[Name] = Field(min_length=1, description="Question sets whose answers it grades")
    prompt: str = Field(
        "config/prompts/judge.jinja", description="Path of the Jinja template of a grading"
    )
