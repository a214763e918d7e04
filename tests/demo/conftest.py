"""A running S3 server, where SeaweedFS is installed."""

import pytest

from demo import s3_server


@pytest.fixture(scope="session")
def weed() -> None:
    """Skip where there is no SeaweedFS."""
    try:
        s3_server.program()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def server(weed, tmp_path_factory):
    """A server with a folder of its own."""
    with s3_server.serve(tmp_path_factory.mktemp("s3")) as running:
        yield running
