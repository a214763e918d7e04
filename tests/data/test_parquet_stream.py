"""A table that streams into its file is whole or absent."""

import time

import polars as pl
import pytest
from slmrag.data.parquet_stream import write_stream

SCHEMA = pl.Schema({"id": pl.String})


def broken(tables):
    """Yield a number of tables, then fail."""
    for _ in range(tables):
        yield pl.DataFrame({"id": ["a"]}, schema=SCHEMA)
    raise ValueError("line 3")


@pytest.mark.parametrize("tables", [0, 1])
def test_a_failure_leaves_no_file(tmp_path, tables):
    """A source that fails leaves nothing, also when the writer is late."""
    for number in range(50):
        with pytest.raises(ValueError, match="line 3"):
            write_stream(broken(tables), SCHEMA, tmp_path / f"{number}.parquet")
    time.sleep(0.2)
    assert not list(tmp_path.iterdir())


def test_what_streams_is_read_again(tmp_path):
    """All tables arrive, in order."""
    tables = [pl.DataFrame({"id": [str(n)]}, schema=SCHEMA) for n in range(5)]
    write_stream(tables, SCHEMA, tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet")["id"].to_list() == list("01234")
