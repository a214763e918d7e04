"""Prepare a DPR file of a million passages: ours beside a plain csv and json loop.

    python bench/storage/prepare.py [--passages 1000000] [--rounds 3]

Each run is a process of its own. Prints seconds, peak memory, the ratio of the times, and how much
our peak grows from a tenth of the passages to all of them.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PLAIN = """
import csv, json
with open(path, newline="", encoding="utf-8") as file, open(folder + "/plain.jsonl", "w") as out:
    for row in csv.DictReader(file, delimiter="\\t"):
        passage = {"id": row["id"], "title": row["title"], "text": row["text"]}
        out.write(json.dumps(passage, ensure_ascii=False) + "\\n")
"""
OURS = f"""
import sys, types
sys.path.insert(0, {str(ROOT / "workflow/scripts")!r})
import prepare_corpus
space = types.SimpleNamespace
prepare_corpus.main(
    space(raw=[path.rsplit("/", 1)[0]]),
    space(passages=folder + "/ours.parquet", audit=folder + "/audit.json"),
    space(entry={{"format": "dpr_tsv"}}),
)
"""
AROUND = """
import resource, sys, time
path, folder = sys.argv[1:]
start = time.perf_counter(), time.process_time()
{body}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("measured", time.perf_counter() - start[0], time.process_time() - start[1], peak)
"""


def write(path: Path, passages: int) -> None:
    """Write passages of 100 words by Zipf's law, a third of them with quotes inside."""
    path.parent.mkdir()
    chance = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(50_000)]
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    pool = chance.choices(vocabulary, weights, k=3_000_000)
    with open(path, "w", encoding="utf-8") as file:
        file.write("id\ttext\ttitle\n")
        for number in range(1, passages + 1):
            start = chance.randrange(len(pool) - 100)
            words = pool[start : start + 100]
            words[0] = f'""{words[0]}""' if number % 3 == 0 else words[0]
            file.write(f'{number}\t"{" ".join(words)}"\tTitle {number // 7}\n')


def measure(body: str, path: Path, folder: str) -> tuple[float, ...]:
    """Run a program in a process of its own; return seconds, CPU seconds and peak MiB."""
    command = [sys.executable, "-c", AROUND.replace("{body}", body), str(path), folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(map(float, done.stdout.split("measured")[1].split()))


def main() -> None:
    """Run both in turn and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, tenth = Path(folder, "whole/psgs.tsv"), Path(folder, "tenth/psgs.tsv")
        write(whole, args.passages)
        write(tenth, args.passages // 10)
        ratios, growths = [], []
        for _ in range(args.rounds):
            plain, ours, small = (
                measure(body, path, folder)
                for body, path in ((PLAIN, whole), (OURS, whole), (OURS, tenth))
            )
            ratios.append(plain[0] / ours[0])
            growths.append(ours[2] / small[2] - 1)
            print(
                f"plain {plain[0]:.1f} s ({plain[1]:.1f} s CPU), ours {ours[0]:.1f} s "
                f"({ours[1]:.1f} s CPU), {ratios[-1]:.1f} times faster; peak {small[2]:.0f} MiB "
                f"at a tenth, {ours[2]:.0f} MiB at all, {growths[-1]:+.0%}",
                flush=True,
            )
    print(f"median: {statistics.median(ratios):.1f} times faster (at least 3)")
    print(f"median growth of the peak: {statistics.median(growths):+.0%} (less than 20 %)")


if __name__ == "__main__":
    main()
