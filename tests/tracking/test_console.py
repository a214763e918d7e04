"""The lines of a job's log that a console shows."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.tracking import console

LINES = st.lists(st.text("ab\r é", max_size=8), max_size=12)


def shown(log, parts):
    """Return the lines of the messages of parts."""
    texts = [event["text"] for part in parts for event in console.log_events(log, part)]
    return [line for text in texts for line in text.split("\n")]


@given(LINES, st.data())
def test_each_line_is_shown_once_however_it_is_written(tmp_path_factory, lines, data):
    """Written in any pieces and read in between, a log has the lines of one read at its end."""
    log = tmp_path_factory.mktemp("console") / "x.log"
    raw = "\n".join(lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    parts = []
    for until in cuts:
        log.write_bytes(raw[:until])
        part = console.next_part(log, parts[-1] if parts else None, False)
        parts += [part] if part else []
    log.write_bytes(raw)
    last = console.next_part(log, parts[-1] if parts else None, True)
    parts += [last] if last else []
    whole = console.next_part(log, None, True)
    assert shown(log, parts) == shown(log, [whole] if whole else [])
    assert console.next_part(log, last, True) is None or last is None
    times = [event["time"] for part in parts for event in console.log_events(log, part)]
    assert times == sorted(set(times))


def test_a_progress_bar_is_shown_in_its_last_state(tmp_path):
    """Carriage returns and colors are not shown, nor are blank lines."""
    log = tmp_path / "x.log"
    log.write_bytes(b"load: 1%\rload: 50%\rload: 100%\n\n\x1b[31mred\x1b[0m\r\nlast")
    assert shown(log, [console.next_part(log, None, True)]) == ["load: 100%", "red", "last"]
    assert shown(log, [console.next_part(log, None, False)]) == ["load: 100%", "red"]


@pytest.mark.parametrize("steps", [0, 3])
def test_a_long_log_has_its_begin_and_its_end(tmp_path, monkeypatch, steps):
    """Of what is above the bound only the last lines are shown, and the rest is counted."""
    monkeypatch.setattr(console, "LIVE_CHARACTERS", 100)
    monkeypatch.setattr(console, "LAST_LINES", 5)
    log = tmp_path / "x.log"
    lines = [f"line {number}" for number in range(60)]
    log.write_text("\n".join(lines) + "\n")
    parts = []
    for step in range(steps + 1):
        if part := console.next_part(log, parts[-1] if parts else None, step == steps):
            parts.append(part)
    found = shown(log, parts)
    live = next(number for number, line in enumerate(found) if line.startswith("["))
    assert found[live] == f"[{55 - live} lines are left out here; the artifact `log` is whole]"
    assert found[:live] == lines[:live] and found[live + 1 :] == lines[-5:]
    assert 100 <= sum(len(line) + 1 for line in lines[:live]) < 110


def test_a_repeated_part_is_the_same(tmp_path):
    """A part that is sent again has the same messages at the same times, whatever was added."""
    log = tmp_path / "x.log"
    log.write_text("one\ntwo\n")
    os.utime(log, (1000, 1000))
    part = console.next_part(log, None, False)
    before = console.log_events(log, part)
    with log.open("a") as file:
        file.write("three\n")
    assert console.log_events(log, part) == before
    assert before[0]["text"] == "one\ntwo" and before[0]["time"] == pytest.approx(999.9995)


def test_a_job_without_a_log_shows_nothing(tmp_path):
    """Not every rule keeps a log."""
    assert console.next_part(tmp_path / "no.log", None, True) is None


def test_lines_of_a_log_that_is_gone_are_none(tmp_path):
    """A part whose log was removed has no lines, so that the job's end can still be sent."""
    log = tmp_path / "x.log"
    log.write_text("one\n")
    part = console.next_part(log, None, False)
    log.unlink()
    assert console.log_events(log, part) == []


def test_the_middle_of_a_huge_log_is_only_counted(tmp_path, monkeypatch):
    """Lines between the first and the last are not decoded: a log may have a gigabyte."""
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {n}\n" for n in range(100_000)))
    seen, show = [], console.shown_text
    monkeypatch.setattr(console, "shown_text", lambda raw: seen.append(raw) or show(raw))
    part = console.next_part(log, None, True)
    assert len(seen) < 25_000
    lines = shown(log, [part])
    assert lines[-1] == "line 99999"
    assert any("lines are left out here" in line for line in lines)
