"""Uploads of what a user would have in a bucket: raw objects and model folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

BUCKET = "slm-demo"
PREFIXES = {"data": "", "models": "models/"}


def fill(client: Any, folder: Path) -> dict[str, int]:
    """Upload folder/data and folder/models, leaving out what is there with the same digest."""
    if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    wanted = {key: path for name in PREFIXES for key, path in files(folder, name)}
    absent = {key: path for key, path in wanted.items() if not is_there(client, key, path)}
    if absent:
        upload(client, absent)
    return {"objects": len(wanted), "uploaded": len(absent)}


def files(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return (key, path) of each file below a subfolder."""
    base = folder / name
    found = (path for path in sorted(base.rglob("*")) if path.is_file())
    return [(f"{PREFIXES[name]}{path.relative_to(base)}", path) for path in found]


def is_there(client: Any, key: str, path: Path) -> bool:
    """Tell whether the bucket's object says that it has a file's digest."""
    from botocore.exceptions import ClientError
    from slmrag.files import sha256_file

    try:
        metadata = client.head_object(Bucket=BUCKET, Key=key)["Metadata"]
    except ClientError:
        return False
    return metadata.get("sha256") == sha256_file(path)


def upload(client: Any, objects: Mapping[str, Path]) -> None:
    """Upload files with their digests; an object appears when it is whole."""
    from slmrag.files import sha256_file
    from slmrag.job.progress import bar

    total = sum(path.stat().st_size for path in objects.values())
    with bar(total=total, desc="upload", unit="B", unit_scale=True) as progress:
        for key, path in objects.items():
            extra = {"Metadata": {"sha256": sha256_file(path)}}
            client.upload_file(str(path), BUCKET, key, ExtraArgs=extra, Callback=progress.update)
