"""The config of a report, as a file that can be run again."""

import re
from collections.abc import Iterator
from typing import Any

from slmrag.config.redaction import leaves, masked_paths
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.provenance import template_rows

FILE_KEYS = frozenset(
    {"prompt", "uri", "checkpoint", "adapter", "chat_template", "encoder", "query_encoder"}
    | {"expected", "verify"}
)
"""Keys that may name a file or a folder."""
FILE_WORDS = frozenset({"auto", "tokenizer", "none", "hashing"})
"""Values of these keys that are not paths."""


def config_text(experiment: Experiment) -> str:
    """Return the config as YAML, after a comment on redacted values and on files outside it."""
    import yaml

    config = dict(experiment.job_records.config)
    if not config:
        return "# The config is not known.\n"
    body = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100)
    head = (f"# {one_printable_line(line)}".rstrip() for line in comment_lines(experiment))
    return "".join(f"{line}\n" for line in head) + body


def one_printable_line(line: str) -> str:
    """Return a text without line breaks and other unprintable characters."""
    return "".join(c if c.isprintable() else " " for c in line)


def comment_lines(experiment: Experiment) -> Iterator[str]:
    """Yield the lines of the comment."""
    config = experiment.job_records.config
    yield f"The config of {experiment.name} as it was when its report was made. To run it again:"
    yield "snakemake --cores all --configfile config.yaml"
    if hidden := masked_paths(config):
        yield f"Redacted, to be filled in before a run: {', '.join(hidden)}."
    if local := [f"{path}: {value}" for path, value in leaves(config) if is_local(path, value)]:
        yield "Files and folders, relative to the folder of the run unless they begin with a slash:"
        yield from (f"  {line}" for line in local)
    yield "SHA-256 of the templates:"
    yield from (f"  {row['what']}: {row['value']}" for row in template_rows(experiment))


def is_local(path: str, value: Any) -> bool:
    """Tell whether a value names a file or folder of the machine."""
    if not isinstance(value, str) or path.rpartition(".")[2] not in FILE_KEYS:
        return False
    return value not in FILE_WORDS and not re.match(r"(hf:|s3:|https?:)", value)
