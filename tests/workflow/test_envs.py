"""One set of pins: what a cluster's environments say is what the tests run with."""

import re
from pathlib import Path

import pytest
import yaml

ENVS = Path(__file__).parents[2] / "envs"
DIGESTS = sorted(path.name for path in ENVS.glob("*-digests.txt"))
UPSTREAM = {"vllm"}
"""vLLM's CUDA build has its own version; the CPU build that is tested is another distribution."""


def pins(path):
    """Return name -> version of a requirements file."""
    found = re.findall(r"^([\w.-]+)==([\w.+-]+)", path.read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def locked():
    """Return every pin that the Makefile installs."""
    files = (ENVS / name for name in ("cpu.txt", *DIGESTS))
    return {name: version for file in files for name, version in pins(file).items()}


def conda_pins(path):
    """Return name -> version of the pip part of a conda file."""
    parts = yaml.safe_load(path.read_text())["dependencies"]
    lines = next(part["pip"] for part in parts if isinstance(part, dict))
    return {name.lower(): version for name, version in (line.split("==") for line in lines)}


@pytest.mark.parametrize("path", sorted(ENVS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_conda_file_has_the_pins_that_are_tested(path):
    """Each pin of a conda file is the one in the lock."""
    known = locked()
    said = {name: v for name, v in conda_pins(path).items() if name not in UPSTREAM}
    assert said == {name: known.get(name) for name in said}


def test_the_post_deploy_script_has_the_pins_of_lucene():
    """The cluster's Lucene is the one that the tests install."""
    script = (ENVS / "retrieval.post-deploy.sh").read_text()
    assert all(f"{n}=={v}" in script for n, v in pins(ENVS / "lucene-digests.txt").items())


def test_the_lock_has_every_direct_dependency():
    """Each pin of cpu.in stands in cpu.txt as it is."""
    lock = pins(ENVS / "cpu.txt")
    assert {name: lock.get(name) for name in pins(ENVS / "cpu.in")} == pins(ENVS / "cpu.in")


@pytest.mark.parametrize("name", DIGESTS)
def test_repackagings_are_pinned_by_digest(name):
    """Each third party's file is pinned by its SHA-256."""
    lines = [line for line in (ENVS / name).read_text().splitlines() if line and line[0] != "#"]
    assert lines
    assert all(re.search(r"==\S+ --hash=sha256:[0-9a-f]{64}$", line) for line in lines)


def test_every_rule_has_an_environment_and_an_image():
    """Each rule that runs a script names its conda file, the Snakefile a pinned image for all."""
    root = ENVS.parent
    for path in (root / "rules").glob("*.smk"):
        rules = re.split(r"^(?:use )?rule ", path.read_text(), flags=re.MULTILINE)[1:]
        for rule in (text for text in rules if "script:" in text):
            (name,) = re.findall(r'conda:\n\s+"\.\./envs/(\S+)"', rule)
            assert (ENVS / name).exists(), rule.partition(":")[0]
    assert re.search(r'^container: "docker://\S+:[\d.-]+"$', (root / "Snakefile").read_text(), re.M)
