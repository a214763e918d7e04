"""List and check many small files, and fetch them, beside a plain copy of the same.

    python bench/storage/many.py [--files 100000]

Listed and checked: what lies there, clashing names, the disk's room, whether all arrived.
The plain copy is ``shutil.copytree``, which computes no digest.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow/scripts")]


def write(folder: Path, files: int) -> None:
    """Write texts of one line, 1,000 to a folder."""
    for number in range(files):
        path = folder / str(number // 1000) / f"doc_{number:06d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Document {number} about things.")


def timed(name: str, action: Callable[[], Any]) -> None:
    """Run, and print wall and processor time under a name."""
    start = time.perf_counter(), time.process_time()
    action()
    wall, used = time.perf_counter() - start[0], time.process_time() - start[1]
    print(f"{name}: {wall:.2f} s ({used:.2f} s CPU)", flush=True)


def check(source: Any, made: Path) -> None:
    """Do all that a download does but the transfer."""
    from slmrag.storage.download_folder import refuse_full_disk, refuse_merged_names
    from slmrag.storage.source import file_names

    remotes = source.files()
    names = file_names(remotes, source.uri)
    refuse_full_disk(made, sum(remote.bytes for remote in remotes))
    refuse_merged_names(made, names)


def main() -> None:
    """Run each once and print its times."""
    from slmrag.storage import download, open_source

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "source"), Path(folder, "made")
        write(source, files)
        timed("plain copy", lambda: shutil.copytree(source, Path(folder, "plain")))
        timed("download", lambda: download(str(source), made, {}))
        timed("listed and checked", lambda: check(open_source(str(source), {}), made))


if __name__ == "__main__":
    main()
