"""Uploads of what a user would have in a bucket: raw objects and model folders."""

from pathlib import Path
from typing import Any

BUCKET = "slm-demo"
PREFIXES = {"data": "factbook", "models": "models"}


def fill(client: Any, folder: Path) -> dict[str, int]:
    """Upload folder/data and folder/models, leaving out what is there with the same digest."""
    if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    wanted = {key: path for name in PREFIXES for key, path in files(folder, name)}
    sent = [key for key, path in wanted.items() if upload(client, key, path)]
    return {"objects": len(wanted), "uploaded": len(sent)}


def files(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return (key, path) of each file below a subfolder."""
    base = folder / name
    found = (path for path in sorted(base.rglob("*")) if path.is_file())
    return [(f"{PREFIXES[name]}/{path.relative_to(base)}", path) for path in found]


def upload(client: Any, key: str, path: Path) -> bool:
    """Upload one file unless the object says that it has its digest; tell whether it was sent."""
    from botocore.exceptions import ClientError
    from slmrag.files import sha256_file

    digest = sha256_file(path)
    try:
        if client.head_object(Bucket=BUCKET, Key=key)["Metadata"].get("sha256") == digest:
            return False
    except ClientError:
        pass
    client.upload_file(str(path), BUCKET, key, ExtraArgs={"Metadata": {"sha256": digest}})
    return True
