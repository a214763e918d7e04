"""The interface of engines: requests, outcomes, config."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from slmrag.config.sampling import Sampling
from slmrag.errors import UserError
from slmrag.generation.engines.parallelism import Split
from slmrag.job.gpu_lock import unused_gpu_sentence
from slmrag.models.tokenizer import any_token_pattern

logger = logging.getLogger(__name__)


class Request(NamedTuple):
    """A prompt to be answered; ``tokens`` is None for an engine that takes text."""

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


Outcome = Completion | Refusal
Answers = Generator[Sequence[Outcome], None, None]

PATH_FIELDS = ("checkpoint", "adapter")


@dataclass
class EngineConfig:
    """What an engine is started with; ``hardware`` can change its speed alone.

    ``dropped_tokens`` are special tokens to leave out of a text; None leaves out all of them.
    """

    entry: Mapping[str, Any]
    sampling: Sampling
    checkpoint: Path | None = None
    hardware: Mapping[str, Any] = field(default_factory=dict)
    adapter: Path | None = None
    max_model_len: int | None = None
    chat: bool = False
    dropped_tokens: Sequence[str] | None = None
    gpu_unused: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the config as what JSON can hold."""
        paths = {name: str(path) if (path := getattr(self, name)) else None for name in PATH_FIELDS}
        return {**vars(self), **paths, "sampling": self.sampling._asdict()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the config that ``as_json`` wrote."""
        paths = {name: Path(value[name]) if value[name] else None for name in PATH_FIELDS}
        wanted = dict(value["sampling"])
        sampling = Sampling(**wanted | {"stop": tuple(wanted["stop"])})
        return cls(**{**value, **paths, "sampling": sampling})

    @property
    def folder(self) -> Path:
        """Return the checkpoint's folder, which the config asks for where an engine loads one."""
        assert self.checkpoint, "the config was checked"
        return self.checkpoint

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

    def accept_cpu(self, reason: str, remedy: str) -> None:
        """Refuse the CPU if the entry asks for GPUs; without its key ``gpus`` the CPU will do.

        Where the machine shows one and ``gpus`` is not set, ``gpu_unused`` and a warning say so.
        """
        if asked := int(self.hardware.get("gpus_asked", self.gpus)):
            raise UserError(
                f"gpus: {asked} is asked for, and {reason}; run it where there is a GPU, or set "
                "gpus: 0 for the model to run on the CPU"
            )
        if self.gpu_unused is None:
            self.gpu_unused = unused_gpu_sentence(self.hardware, f"{reason}; {remedy}")
            if self.gpu_unused:
                logger.warning("the model's device: %s", self.gpu_unused)


class Engine(ABC):
    """A context manager: entering starts the engine, leaving stops it.

    ``REVISION`` is raised when an edit of the engine's module changes what comes out of it;
    ``TOKENS`` says that it takes token ids, ``REMOTE`` that the chat template is not ours;
    ``SPEED_OPTIONS`` names the options that cannot change an answer. ``start_seconds`` are filled
    in by entering: import, weights, compile, capture, other; null for a step that there was none
    of.
    """

    REVISION = 1
    TOKENS = True
    REMOTE = False
    SPEED_OPTIONS: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.start_seconds: dict[str, float | None] = {}

    @staticmethod
    @abstractmethod
    def version() -> str:
        """Return the name and version of what makes the answers, without importing it."""

    @classmethod
    def split(cls, config: EngineConfig) -> Split:
        """Return how many replicas of the engine the job runs, and on how many GPUs each."""
        return Split(1, int(config.hardware.get("data_parallel") or 1))

    @abstractmethod
    def answers(self, requests: Iterator[Request]) -> Answers:
        """Yield outcomes as soon as they are known, in any order, several at a time."""

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        return None

    def about(self) -> dict[str, Any]:
        """Return facts on what ran: device, settings and whatever else may explain a result.

        A REMOTE one is asked again whenever its run is recorded: it learns from its answers what
        ``served_models`` and ``system_fingerprints`` (sorted) are behind its name.
        """
        return {"device": "none"}


def installed_version(*names: str) -> str:
    """Return ``name version`` of the first distribution that is installed, else ``name absent``."""
    from importlib.metadata import PackageNotFoundError, version

    for name in names:
        try:
            return f"{names[0]} {version(name).partition('+')[0]}"
        except PackageNotFoundError:
            continue
    return f"{names[0]} absent"


def is_installed(distribution: str) -> bool:
    """Tell whether a distribution is installed."""
    return not installed_version(distribution).endswith(" absent")


def without_tokens(text: str, tokens: Sequence[str] | None) -> str:
    """Return a text without some special tokens; as it is where None."""
    pattern = any_token_pattern(tokens or ())
    return pattern.sub("", text) if pattern else text
