"""What ran: repository, commit, script and packages, as ClearML shows it under Execution."""

from collections.abc import Mapping
from typing import Any

from slmrag.job.events import Event

OTHER_SCRIPTS = {
    "workflow": "Snakefile",
    "download_encoder": "workflow/scripts/download_model.py",
    "download_query_encoder": "workflow/scripts/download_model.py",
    "download_judge": "workflow/scripts/download_model.py",
    "verify": "workflow/scripts/verify_report.py",
    "compare": "workflow/scripts/compare_experiments.py",
}
"""Rules whose script has another name."""


def script(start: Event) -> dict[str, Any]:
    """Return the script of a job's task; what is not known is left out."""
    rule, code = start["rule"], start.get("code") or {}
    known = {
        "repository": code.get("repository"),
        "branch": code.get("branch"),
        "version_num": code.get("commit"),
        "diff": code.get("diff"),
        "entry_point": OTHER_SCRIPTS.get(rule, f"workflow/scripts/{rule}.py"),
        "working_dir": ".",
        "requirements": requirements(start.get("packages")),
    }
    return {name: value for name, value in known.items() if value}


def requirements(packages: Any) -> dict[str, str]:
    """Return packages with their versions as pip takes them."""
    if not isinstance(packages, Mapping) or not packages:
        return {}
    lines = [f"{name}=={packages[name]}" for name in sorted(packages, key=str.lower)]
    return {"pip": "\n".join(lines) + "\n"}
