"""What every engine takes and gives."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from slmrag.errors import UserError
from slmrag.generation.engines.parallelism import Split
from slmrag.job.gpu_lock import unused
from slmrag.models.tokenizer import any_of

logger = logging.getLogger(__name__)


NEUTRAL: dict[str, float] = {
    "top_k": 0,
    "min_p": 0,
    "repetition_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "min_tokens": 0,
}
"""Keys of sampling that not every engine has, and the value of each that changes nothing."""
DRAWING = ("top_k", "min_p")
"""Those of ``NEUTRAL`` that do nothing at temperature 0."""


class Sampling(NamedTuple):
    """How tokens are drawn; ``stop`` are strings that end an answer and are not part of it."""

    temperature: float = 0.0
    max_tokens: int = 64
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    min_tokens: int | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any], common: Mapping[str, Any]) -> Self:
        """Take each setting from the model's entry, else from ``sampling``, else the default."""
        chosen = {key: entry.get(key, common.get(key)) for key in cls._fields}
        chosen["stop"] = tuple(chosen["stop"] or ())
        return cls(**{key: value for key, value in chosen.items() if value is not None})

    def recipe(self) -> dict[str, Any]:
        """Return what can change an answer: greedy decoding neither draws nor cuts what it draws.

        A key of ``NEUTRAL`` that is not set is left out.
        """
        kept = {**self._asdict(), "stop": list(self.stop), **{key: None for key in NEUTRAL}}
        if self.temperature == 0:
            kept.pop("seed"), kept.pop("top_p")
        return {key: value for key, value in kept.items() if value is not None} | self.asked()

    def asked(self, drawn: bool = False) -> dict[str, Any]:
        """Return the keys of ``NEUTRAL`` that are set and can change an answer.

        A neutral value that is set stays: a server may have another default. ``drawn`` says that
        tokens are drawn whatever our temperature is, as the server chooses it.
        """
        chosen = {key: getattr(self, key) for key in NEUTRAL}
        idle = () if drawn or self.temperature > 0 else DRAWING
        return {
            key: value for key, value in chosen.items() if value is not None and key not in idle
        }


class Request(NamedTuple):
    """A prompt that has no answer yet; ``tokens`` is None for an engine that counts itself."""

    digest: str
    text: str
    tokens: Sequence[int] | None = None


class Completion(NamedTuple):
    """A finished answer; the seconds are of service, without the wait in a queue.

    Tokens are None where an endpoint does not count them; ``finish_reason`` is stop or length.
    ``ended`` is when it was finished on ``time.monotonic``, None where that is not known;
    ``cached_tokens`` are those of the prompt that the engine did not read again.
    """

    digest: str
    text: str
    prompt_tokens: int | None
    generated_tokens: int | None
    finish_reason: str
    first_token_seconds: float | None
    seconds: float
    ended: float | None = None
    cached_tokens: int = 0


class Refusal(NamedTuple):
    """A prompt that an endpoint will not answer, whatever else it answers: no completion.

    ``code`` is the HTTP status or the finish reason that says so, ``reason`` the server's own
    words on one line; the seconds and ``ended`` are as of a completion.
    """

    digest: str
    code: str
    reason: str
    seconds: float
    ended: float | None = None


Finished = Completion | Refusal

PATHS = ("checkpoint", "adapter")


@dataclass
class Plan:
    """What an engine is started with; ``hardware`` can change its speed alone.

    ``dropped`` are special tokens to leave out of a text; None leaves out all that there are.
    """

    entry: Mapping[str, Any]
    sampling: Sampling
    checkpoint: Path | None = None
    hardware: Mapping[str, Any] = field(default_factory=dict)
    adapter: Path | None = None
    max_model_len: int | None = None
    chat: bool = False
    dropped: Sequence[str] | None = None
    gpu_unused: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the plan as what JSON can hold."""
        paths = {name: str(path) if (path := getattr(self, name)) else None for name in PATHS}
        return {**vars(self), **paths, "sampling": self.sampling._asdict()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the plan that ``as_json`` wrote."""
        paths = {name: Path(value[name]) if value[name] else None for name in PATHS}
        wanted = dict(value["sampling"])
        sampling = Sampling(**wanted | {"stop": tuple(wanted["stop"])})
        return cls(**{**value, **paths, "sampling": sampling})

    @property
    def options(self) -> dict[str, Any]:
        """Return the engine's further arguments."""
        return dict(self.entry.get("options") or {})

    @property
    def threads(self) -> int:
        """Return the CPU threads of the job."""
        return int(self.hardware.get("threads") or 1)

    @property
    def gpus(self) -> int:
        """Return the GPUs of the job."""
        return int(self.hardware.get("gpus") or 0)

    def on_cpu_as(self, reason: str, remedy: str) -> None:
        """Refuse the CPU where the entry asks for GPUs; one that came by default may be lacking.

        Where the machine shows one and ``gpus`` is not set, ``gpu_unused`` and a warning say so.
        """
        if asked := int(self.hardware.get("gpus_asked", self.gpus)):
            raise UserError(
                f"gpus: {asked} is asked for, and {reason}; run it where there is a GPU, or set "
                "gpus: 0 for the model to run on the CPU"
            )
        if self.gpu_unused is None:
            self.gpu_unused = unused(self.hardware, f"{reason}; {remedy}")
            if self.gpu_unused:
                logger.warning("the model's device: %s", self.gpu_unused)


class Engine(ABC):
    """A context manager: entering starts the engine, leaving stops it.

    ``REVISION`` is raised when an edit of the engine's module changes what comes out of it;
    ``TOKENS`` says that it takes token ids, ``REMOTE`` that the chat template is not ours;
    ``SPEED`` names the options that cannot change an answer. ``start_seconds`` are filled in by
    entering: import, weights, compile, capture, other; null for a step that there was none of.
    """

    REVISION = 1
    TOKENS = True
    REMOTE = False
    SPEED: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.start_seconds: dict[str, float | None] = {}

    @staticmethod
    @abstractmethod
    def version() -> str:
        """Return the name and version of what makes the answers, without importing it."""

    @classmethod
    def split(cls, plan: Plan) -> Split:
        """Return how many copies of the engine the job runs, and on how many GPUs each."""
        return Split(1, int(plan.hardware.get("data_parallel") or 1))

    @abstractmethod
    def answers(self, requests: Iterator[Request]) -> Iterator[Sequence[Finished]]:
        """Yield what is finished or refused as soon as it is, in any order, several at a time."""

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        return None

    def about(self) -> dict[str, Any]:
        """Return what ran: device, parameters and whatever else a reader may doubt.

        A REMOTE one is asked again whenever its run is recorded: it learns from its answers what
        ``served_models`` and ``system_fingerprints`` (sorted) are behind its name.
        """
        return {"device": "none"}


def installed(*names: str) -> str:
    """Return ``name version`` of the first distribution that is installed, else ``name absent``."""
    from importlib.metadata import PackageNotFoundError, version

    for name in names:
        try:
            return f"{names[0]} {version(name).partition('+')[0]}"
        except PackageNotFoundError:
            continue
    return f"{names[0]} absent"


def has(distribution: str) -> bool:
    """Tell whether a distribution is installed."""
    return not installed(distribution).endswith(" absent")


def without(text: str, tokens: Sequence[str] | None) -> str:
    """Return a text without some special tokens; as it is where None."""
    pattern = any_of(tokens or ())
    return pattern.sub("", text) if pattern else text
