"""Bars and messages share a terminal with other jobs."""

import io

from slmrag.job import progress


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        """Say so."""
        return True


def drawn(stream):
    """Return what a bar of two steps writes."""
    progress.show_on(stream)
    try:
        list(progress.bar([1, 2], desc="passages", unit=" passages"))
    finally:
        progress.show_on(None)
    return stream.getvalue()


def test_a_bar_in_a_file_is_whole_lines():
    """Where there is no screen a bar leaves no open line that another job's message would join."""
    text = drawn(io.StringIO())
    assert text.endswith("\n")
    assert "\r" not in text
    assert all(line.startswith("passages:") for line in text.splitlines())


def test_a_bar_on_a_screen_redraws_its_line():
    """On a screen a bar stays in its line, which a message wipes first."""
    assert "\r" in drawn(Screen())
    assert progress.line_start(Screen()).startswith("\r")
    assert progress.line_start(io.StringIO()) == ""
