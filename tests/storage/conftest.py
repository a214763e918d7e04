"""A real S3 server with signatures, a bucket of objects, and a proxy that cuts."""

import os

import pytest

from tests.storage.proxy import proxied

BUCKET = "slm-test"
CLOSED = "closed"
PUBLIC = "public"
MIB = 1 << 20
READER = {
    "name": "reader",
    "credentials": [{"accessKey": "READERREADERREADER00", "secretKey": "reader-secret"}],
    "actions": [f"Read:{CLOSED}"],
}
ANYBODY = {"name": "anonymous", "actions": [f"Read:{PUBLIC}", f"List:{PUBLIC}"]}


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Start SeaweedFS with an identity that may read one bucket, and one that all may read."""
    from demo import s3_server

    try:
        s3_server.program()
    except RuntimeError as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        identity = s3_server.identity
        others = lambda *keys: {"identities": [*identity(*keys)["identities"], READER, ANYBODY]}  # noqa: E731
        patch.setattr(s3_server, "identity", others)
        with s3_server.serve(tmp_path_factory.mktemp("s3")) as running:
            client = running.client()
            client.create_bucket(Bucket=BUCKET)
            client.create_bucket(Bucket=CLOSED)
            client.create_bucket(Bucket=PUBLIC)
            yield running


@pytest.fixture(scope="session")
def bucket(server):
    """Return a client and fill the bucket: a large object in parts, small ones, a prefix."""
    from boto3.s3.transfer import TransferConfig

    client = server.client()
    parts = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    import io

    client.upload_fileobj(io.BytesIO(large()), BUCKET, "data/large.bin", Config=parts)
    client.put_object(Bucket=BUCKET, Key="data/one.bin", Body=large(), ChecksumAlgorithm="SHA256")
    client.put_object(Bucket=BUCKET, Key="data/small.txt", Body=b"hello")
    client.put_object(Bucket=BUCKET, Key="data/empty", Body=b"")
    for name in ("config.json", "model.safetensors", "pytorch_model.bin", "code.py", "sub/a.json"):
        client.put_object(Bucket=BUCKET, Key=f"models/tiny/{name}", Body=name.encode())
    return client


_large = []


def large():
    """Return 40 MiB that no compression or hole could fake."""
    if not _large:
        _large.append(os.urandom(40 * MIB + 12_345))
    return _large[0]


@pytest.fixture
def credentials(server, monkeypatch):
    """Put the owner's credentials in the environment, and no other setting of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def proxy(bucket, credentials, monkeypatch):
    """Stand between the client and the server."""
    with proxied(credentials.endpoint_url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", between.url)
        yield between
