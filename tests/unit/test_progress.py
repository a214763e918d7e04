"""Bars are drawn where the user looks."""

import io

from slmrag import progress


def test_a_bar_reaches_the_stream_that_was_set():
    """A bar counts through its iterable on the given stream."""
    stream = io.StringIO()
    progress.show_on(stream)
    try:
        assert list(progress.bar([1, 2, 3], desc="answering")) == [1, 2, 3]
    finally:
        progress.show_on(None)
    assert "answering" in stream.getvalue()
    assert "3/3" in stream.getvalue()
