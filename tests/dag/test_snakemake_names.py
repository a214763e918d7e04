"""Snakemake is used, not patched: which of its names the workflow may speak of."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PUBLIC = {"snakemake.utils", "snakemake_interface_logger_plugins"}
RULES = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
CODE = [*RULES, *sorted((ROOT / "workflow").rglob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]
PROFILES = sorted((ROOT / "profiles").glob("*/config.yaml"))


def named(path, pattern):
    """Return what a pattern finds in a file's code, without its comments."""
    return set(re.findall(pattern, re.sub(r"(?m)#.*$", "", path.read_text())))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_what_the_documents_do_not_name_is_asked_for_in_one_file(path):
    """Attributes of `workflow` but for `cores` and `source_path` stand in parse.smk alone."""
    if path.name != "parse.smk":
        assert named(path, r"\bworkflow\.(\w+)") <= {"cores", "source_path"}


def test_no_private_name_is_spoken_of():
    """No attribute of Snakemake's that begins with an underscore is read or written."""
    pattern = r"\b(?:workflow|rules|job|snakemake\w*)(?:\.\w+)*\._\w+"
    assert not {
        (path, name) for path in CODE if path != Path(__file__) for name in named(path, pattern)
    }


@pytest.mark.parametrize("path", [path for path in CODE if "tests" not in path.parts], ids=str)
def test_only_public_modules_are_imported(path):
    """Of Snakemake's modules those are imported that its documents name."""
    found = named(path, r"(?m)^\s*(?:from|import) (snakemake\w*(?:\.\w+)*)")
    assert {name for name in found if not name.startswith(tuple(PUBLIC))} == set()


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_no_profile_sets_cores(path):
    """`cores` in a profile would cut the threads of Slurm's jobs to the driver's count."""
    assert "cores" not in yaml.safe_load(path.read_text())
