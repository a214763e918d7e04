"""Fetch 1 GiB from a local S3 server: our verified download beside boto3's plain one, in turn.

    python bench/storage/download.py [--mib 1024] [--rounds 5]

Prints the median seconds of each, and the median ratio of neighboring runs.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

MIB = 1 << 20


def fill(client, mib: int) -> None:
    """Put an object of random bytes into a new bucket, uploaded in parts of 16 MiB."""
    from boto3.s3.transfer import TransferConfig

    client.create_bucket(Bucket="bench")
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(mib // 16):
            file.write(os.urandom(16 * MIB))
        file.flush()
        config = TransferConfig(multipart_chunksize=16 * MIB)
        client.upload_file(file.name, "bench", "object.bin", Config=config)


def plain(client, path: Path) -> None:
    """Boto3's own download, tuned: 8 threads, parts of 16 MiB."""
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(max_concurrency=8, multipart_chunksize=16 * MIB, io_chunksize=MIB)
    client.download_file("bench", "object.bin", str(path), Config=config)


def ours(path: Path) -> None:
    """Our download: the server's checksum and a SHA-256 included."""
    from slmrag.storage import download

    download("s3://bench/object.bin", path, {})


def seconds(action) -> tuple[float, float]:
    """Return the wall time and the processor time of one call."""
    start = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def main() -> None:
    """Run both in turn and print the ratio."""
    from demo.s3_server import serve

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder, "s3")) as server:
        os.environ.update(server.environment())
        client = server.client()
        fill(client, args.mib)
        pairs = []
        for number in range(args.rounds):
            theirs = seconds(lambda: plain(client, Path(folder, "plain.bin")))
            own = seconds(lambda n=number: ours(Path(folder, f"ours{n % 2}")))
            pairs.append((theirs, own))
            print(line("round", theirs, own), flush=True)
    theirs, own = (
        tuple(map(statistics.median, zip(*column, strict=True)))
        for column in zip(*pairs, strict=True)
    )
    print(line("median", theirs, own))
    ratio = statistics.median(own[0] / theirs[0] for theirs, own in pairs)
    print(f"median ratio of the rounds: {ratio:.2f} (at most 1.15)")


def line(name: str, theirs: tuple[float, float], own: tuple[float, float]) -> str:
    """Return a row of the printed table."""
    return (
        f"{name}: boto3 {theirs[0]:.2f} s ({theirs[1]:.2f} s CPU), "
        f"ours {own[0]:.2f} s ({own[1]:.2f} s CPU), ratio {own[0] / theirs[0]:.2f}"
    )


if __name__ == "__main__":
    main()
