"""Files of this machine that the config names, checked before anything runs."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slmrag.config.base import address
from slmrag.config.error_messages import problems_message
from slmrag.dag import grid
from slmrag.dag.template_checks import (
    check_chat_template,
    check_judge_template,
    check_prompt_template,
)
from slmrag.errors import UserError
from slmrag.models.lora_adapter import ADAPTER_FILES
from slmrag.models.thinking import chat_of
from slmrag.storage.local import files_of, is_local, path_of

if TYPE_CHECKING:
    from slmrag.config.models import ModelEntry
    from slmrag.config.schema import Config
    from slmrag.dag.resource_keys import Keys


def check_local_files(config: "Config", keys: "Keys", basedir: str) -> None:
    """Raise UserError with a line for each template or local file that would make a run fail.

    ``basedir`` is the Snakefile's folder, where our own templates are. A source that is gone is no
    error if its copy is in the folder that ``keys`` names.
    """
    problems = [
        *_object_problems(config, keys),
        *_encoder_problems(config, keys),
        *_template_problems(config, basedir),
        *_other_files(config),
    ]
    for name, entry in config.models.items():
        problems += _model_problems(
            f"models.{name}", entry, f"resources/models/{keys.models[name]}"
        )
    if config.judge:
        problems += _model_problems(
            "judge.model", config.judge.model, f"resources/judges/{keys.judge}"
        )
    if problems:
        raise UserError(problems_message(problems))


def template_path(path: str, basedir: str) -> str:
    """Return a template's path: the user's file, or the one beside the Snakefile."""
    beside = os.path.relpath(os.path.join(basedir, path))
    return beside if not os.path.isfile(path) and os.path.isfile(beside) else path


def _template_problems(config: "Config", basedir: str) -> Iterator[str]:
    for name, mode in config.modes.items():
        path = template_path(mode.prompt, basedir)
        yield from _problem_of(f"modes.{name}.prompt", partial(check_prompt_template, path, mode))
    if config.judge:
        path = template_path(config.judge.prompt, basedir)
        yield from _problem_of("judge.prompt", lambda: check_judge_template(path))


def _problem_of(where: str, attempt: Callable[[], None]) -> Iterator[str]:
    try:
        attempt()
    except UserError as error:
        yield f"{where}: {error}"


def _object_problems(config: "Config", keys: "Keys") -> Iterator[str]:
    for name in grid.objects(config):
        uri = config.objects[name].uri
        if is_local(uri) and not _is_downloaded(f"resources/raw/{keys.objects[name]}"):
            yield from _missing_files(
                f"objects.{name}.uri", uri, [f.path for f in files_of(uri).values()]
            )


def _model_problems(where: str, entry: "ModelEntry", taken: str) -> Iterator[str]:
    if entry.checkpoint:
        yield from _checkpoint_problems(f"{where}.checkpoint", address(entry.checkpoint), taken)
    if entry.adapter:
        files = [os.path.join(entry.adapter, name) for name in ADAPTER_FILES]
        yield from _missing_files(f"{where}.adapter", entry.adapter, files)
    for path in entry.template_files():
        yield from _problem_of(f"{where}.chat_template", partial(check_chat_template, path))
    yield from _problem_of(where, lambda: _check_chat_options(entry, taken))


def _check_chat_options(entry: "ModelEntry", taken: str) -> None:
    """Raise UserError for an argument that the chat template, if it is here, does not read."""
    keys, own = (entry.thinking, entry.chat_template_kwargs), entry.template_files()
    if keys == (None, None) or not all(map(os.path.isfile, own)):
        return
    named = address(entry.checkpoint)
    source = path_of(named) if is_local(named or "hf:") else taken
    folder = Path(source) if named and os.path.isdir(source) else None
    if own or folder or entry.engine == "echo":
        chat_of(entry.params(), folder)


def _encoder_problems(config: "Config", keys: "Keys") -> Iterator[str]:
    for name in grid.retrievers(config):
        for key in sorted(config.retrievers[name].checkpoints()):
            uri = address(getattr(config.retrievers[name], key))
            folder = getattr(keys, f"{key}s")[name]
            yield from _checkpoint_problems(
                f"retrievers.{name}.{key}", uri, f"resources/{key}s/{folder}"
            )


def _checkpoint_problems(where: str, uri: str, taken: str) -> Iterator[str]:
    if not is_local(uri) or _is_downloaded(taken):
        return
    hint = f"; if it is a model of the hub, write hf:{uri}" if uri.count("/") == 1 else ""
    yield from _missing_files(where, uri, [os.path.join(path_of(uri), "config.json")], hint)


def _other_files(config: "Config") -> Iterator[str]:
    if isinstance(config.storage.verify, str):
        yield from _missing_files("storage.verify", config.storage.verify, [config.storage.verify])
    if expected := config.expected:
        found = [*_missing_files("expected", expected, [expected])]
        yield from found or _problem_of("expected", partial(_check_expected_scores, Path(expected)))


def _check_expected_scores(path: Path) -> None:
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error})") from None
    if not isinstance(scores, list):
        raise UserError(f"{path} is no list of {{model, dataset, mode, metric, value, tolerance}}")


def _missing_files(where: str, named: str, files: list[str], hint: str = "") -> Iterator[str]:
    """Yield a sentence if a path does not exist, lacks a file, or may not be read."""
    path = path_of(named)
    lacking = [file for file in files if not os.path.isfile(file)]
    if "*" in path and not os.path.exists(path) and not files:
        yield f"{where}: no file matches {named}; check the pattern"
    elif not os.path.exists(path) and "*" not in path:
        yield f"{where}: {named} does not exist{hint or '; check the path'}"
    elif not files:
        yield f"{where}: {named} holds no file; check the path"
    elif lacking:
        yield f"{where}: {named} lacks {', '.join(map(os.path.basename, lacking))}; check the path"
    elif closed := [file for file in files if not os.access(file, os.R_OK)]:
        yield f"{where}: {closed[0]} may not be read; check its permissions"


def _is_downloaded(folder: str) -> bool:
    """Tell whether a source was downloaded before: then its manifest exists."""
    return os.path.isfile(f"{folder}.json")


def report_to_compare(name: str | None, own: str, results: Path = Path("results")) -> str:
    """Return the path of another experiment's report; UserError names those that have one."""
    path = Path("report/report.html")
    if name is not None and name != own and (results / name / path).exists():
        return str(results / name / path)
    others = sorted(found.parts[-3] for found in results.glob(f"*/{path}"))
    known = ", ".join(other for other in others if other != own) or "none"
    why = {None: "", own: f"{own} is this experiment itself; "}.get(name, f"{name} has no report; ")
    raise UserError(
        f"compare: {why}name another finished experiment by --config against=NAME; "
        f"there are: {known}"
    )
