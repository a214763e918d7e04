"""Every command in the documents works as it is written; one that would run for long is planned."""

import re
import shlex
import shutil
import subprocess

import pytest

from tests.workflow.finished import both, copy_repo
from tests.workflow.project import ROOT

pytestmark = pytest.mark.slow
DOCUMENTS = ["*.md", "docs/*.md", "config/*.md", "profiles/*.md", "demo/*.md", "envs/*.md"]
DOCUMENTS += ["bench/*.md", "bench/*/*.md", "config/*.yaml", "profiles/*/*.yaml", "rules/*.smk"]
DOCUMENTS += ["workflow/reference/*.yaml"]
PROGRAMS = ("snakemake", "make", "python", "pip")
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )?(?:snakemake|make|python|pip) [^`\n]+)`")
COMMENT = re.compile(r"^#   (snakemake .+)$", re.MULTILINE)
EXAMPLES = {"FILE": "config/demo.yaml", "FOLDER": "mine", "NAME": "other"}
REPORT = "results/slm-rag-baseline/report/report.html"
COMPLETE = {"-n", "-c1", "--cores", "--profile", "--unlock"}
"""Words without one of which Snakemake asks for cores, where it is no dry run."""

FOR_REAL = {"--unlock", "explain", "status", "power"}
"""Words of commands that only look on."""

SKIPPED = {
    "snakemake --report": "needs a finished run; tests/report/test_in_snakemake.py has one",
    "python demo/": "runs the demo for minutes",
    "python bench/": "runs for hours, or beside libraries that are not here",
    "pip install": "installs from the network",
}


def commands():
    """Return the commands of all documents, each once, with the first place where it stands."""
    found = {}
    for path in sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)}):
        if path.name != "CHANGELOG.md":
            for command in written(path.read_text(encoding="utf-8")):
                found.setdefault(command, path.relative_to(ROOT))
    return found


def written(text):
    """Yield the commands of a text: of its shell blocks, its inline code and its comments."""
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    parts = [part for line in lines for part in re.sub(r"\s+#.*", "", line).split(" && ")]
    for command in [*parts, *INLINE.findall(text), *COMMENT.findall(text)]:
        if command.strip().startswith(PROGRAMS):
            yield command.strip()


COMMANDS = commands()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository as a user has it, with what the examples speak of."""
    folder = tmp_path_factory.mktemp("clone") / "repo"
    copy_repo(folder)
    shutil.copy2(ROOT / "Makefile", folder)
    (folder / "slurm").symlink_to("profiles/slurm")
    (folder / "mine").mkdir()
    shutil.copy2(folder / "config/demo.yaml", folder / "my.yaml")
    (folder / "mine.json").write_text("[]")
    report = folder / "results/other/report/report.html"
    report.parent.mkdir(parents=True)
    report.touch()
    return folder


def tried(command):
    """Return the words of a command in the form in which it is tried.

    Where there is no conda a command that wants it is parsed whole, and planned without.
    """
    words = [EXAMPLES.get(word, word) for word in shlex.split(command)]
    words = ["against=other" if word == "against=NAME" else word for word in words]
    words = [f"FILE={REPORT}" if word.startswith("FILE=") else word for word in words]
    if FOR_REAL.intersection(words):
        return words
    if words[0] == "make":
        return ["make", "--dry-run", "--always-make", *words[1:]]
    parsed = ["true"]
    if "--sdm" in words and not shutil.which("conda"):
        parsed = ["snakemake", *words[1:], "--list-rules"]
        words = [word for word in words if word not in ("--sdm", "conda", "apptainer")]
    planned = ["snakemake", "--dry-run", *words[1:]]
    return ["sh", "-c", f"{shlex.join(parsed)} && {shlex.join(planned)}"]


def left_out(command):
    """Return why a command is not tried, or None."""
    reason = next((why for start, why in SKIPPED.items() if command.startswith(start)), None)
    return reason or ("is no whole command" if "…" in command else None)


@pytest.fixture(scope="module")
def done(clone):
    """How each command ended that is tried, two at a time."""
    known = [command for command in COMMANDS if left_out(command) is None]

    def run(command):
        return subprocess.run(tried(command), cwd=clone, capture_output=True, text=True)

    return dict(zip(known, both(run, known), strict=True))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command)
def test_a_command_of_the_documents_works(done, command):
    """What a document says to type ends well: run where it only looks on, else planned."""
    if reason := left_out(command):
        pytest.skip(f"{COMMANDS[command]}: {reason}")
    assert not command.startswith("snakemake") or COMPLETE.intersection(command.split())
    said = done[command]
    assert said.returncode == 0, (COMMANDS[command], said.stdout[-2000:], said.stderr[-2000:])


def test_the_documents_hold_commands():
    """The search finds those of blocks, of inline code and of comments."""
    assert {"snakemake -n", "snakemake -c1 power", "make status", "make demo"} <= {*COMMANDS}
    assert [one for one in COMMANDS if "check_reference" in one and "--sdm conda" in one]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            "--configfile my.yaml compare",
            "--configfile takes all that follows, 'compare' too: no such file; "
            "a target stands before (snakemake compare --configfile my.yaml)",
        ),
        ("--cores 1 --configfile config/config.yaml my.yaml status", "'status' too: no such file"),
        ("--configfile my.yaml results/other/report/report.html", "report.html' too: no config"),
        ("-n --configfile gone.yaml", "--configfile gone.yaml: no such file"),
        ("-n --configfile=gone.yaml", "--configfile gone.yaml: no such file"),
        ("-n --configfiles my.yaml gone.yaml", "'gone.yaml' too: no such file"),
        ("-n --configfile config", "--configfile config: no such file"),
        ("-n --config against=other compare", "--config takes all that follows, 'compare' too"),
        ("-n --config compare", "--config compare: no NAME=VALUE"),
        ("-n -C models.x=1", "--config models.x=1: no NAME=VALUE"),
        ("-n --configfile broken.yaml", "broken.yaml: while parsing a flow mapping"),
        ("-n --configfile day.yaml", "day.yaml: month must be in 1..12"),
        ("verify journal --configfile", "expected at least one argument"),
    ],
)
def test_what_is_no_config_is_told_in_one_sentence(clone, arguments, expected):
    """Behind --configfile and --config a target, a missing file and broken YAML each get a line."""
    (clone / "broken.yaml").write_text("models: {a: 1\n")
    (clone / "day.yaml").write_text("experiment: 2024-13-45\n")
    command = ["snakemake", *arguments.split()]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr + done.stdout
    assert expected in done.stderr.splitlines()[-1]
