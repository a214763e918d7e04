"""Bars and messages share a terminal with other jobs."""

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.job import events, progress, progress_events


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


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress_events, "clock", clock)
    return clock


@pytest.fixture
def points(tmp_path):
    """A function that returns the events of this process's job."""
    path = tmp_path / "events.jsonl"
    events.use_log(log := events.EventLog(path))
    yield lambda: [event for event, _ in events.read_events(path)]
    events.use_log(None)
    log.close()


def test_a_bar_is_reported_every_ten_seconds_and_at_its_end(clock, points):
    """A point says how much is done of how much, and how fast it went since the last point."""
    with progress.bar(total=300, desc="encode", unit=" passages", shown=False) as shown:
        for _ in range(25):
            clock.now += 1
            shown.update(10)
        clock.now += 1
    found = [{**point, "time": 0} for point in points()]
    about = {"time": 0, "kind": "progress", "name": "encode", "unit": "passages", "total": 300}
    assert found == [
        about | {"done": 100, "per_second": 10.0},
        about | {"done": 200, "per_second": 10.0},
        about | {"done": 250, "per_second": 9.375},
    ]


def test_a_short_bar_is_not_reported(clock, points):
    """What is done within ten seconds needs no series."""
    with progress.bar(total=3, desc="encode", shown=False) as shown:
        clock.now += 9
        shown.update(3)
    assert points() == []


def test_a_bar_over_items_counts_them(clock, points):
    """Each item counts when it is done with, and the bar ends with the last one."""
    for _ in progress.bar(range(5), desc="search", unit="q", shown=False):
        clock.now += 6
    assert [(point["done"], point["total"]) for point in points()] == [(2, 5), (4, 5), (5, 5)]


def test_an_end_that_is_known_is_not_told_again(clock, points):
    """A bar whose last point was its end has one point for it."""
    with progress.bar(total=2, desc="encode", shown=False) as shown:
        clock.now += 12
        shown.update(2)
        clock.now += 1
    assert [point["done"] for point in points()] == [2]


def test_speeds_are_scalars(clock, points):
    """A speed is a series of its own, by the same rhythm."""
    speed = progress.Speed("tokens")
    for done in (10, 300, 310):
        clock.now += 6
        speed.update(done)
    (point,) = points()
    assert (point["kind"], point["name"]) == ("scalar", "per second/tokens")
    assert point["value"] == 25.0


def test_outside_of_a_job_and_in_a_forked_child_nothing_is_written(clock, points):
    """Only the job itself reports."""
    with progress.bar(total=3, desc="encode", shown=False) as shown:
        clock.now += 20
        child = os.fork()
        if child == 0:
            shown.update(1)
            shown.close()
            os._exit(0)
        os.waitpid(child, 0)
        events.use_log(None)
        shown.update(1)
    assert points() == []


STEPS = st.lists(
    st.tuples(st.sampled_from("ab"), st.floats(0.01, 5000), st.integers(0, 9), st.booleans()),
    max_size=300,
)


@settings(max_examples=50)
@given(STEPS)
def test_points_are_never_closer_than_ten_seconds(tmp_path_factory, steps):
    """Of a bar that goes on; each point's rate is over at least ten seconds, never negative."""
    for point, since, window in written(tmp_path_factory, steps):
        assert point["per_second"] >= 0
        assert since >= 9.999 or point["last"]
        assert window >= 9.999


@pytest.mark.parametrize("step, length", [(0.5, 10**6), (3.0, 10**6), (11.0, 20), (11.0, 1)])
def test_a_long_job_has_about_500_points(monkeypatch, tmp_path, step, length):
    """Two days of one long bar, or of many that last minutes or seconds."""
    now = [0.0]
    monkeypatch.setattr(progress_events, "clock", lambda: now[0])
    written = []
    monkeypatch.setattr(progress.events, "emit", lambda kind, **fields: written.append(fields))
    events.use_log(log := events.EventLog(tmp_path / "events.jsonl"))
    shown = progress.bar(total=length, desc="work", shown=False)
    for number in range(int(2 * 86_400 / step)):
        now[0] += step
        shown.update(1)
        if (number + 1) % length == 0:
            shown.close()
            shown = progress.bar(total=length, desc="work", shown=False)
    events.use_log(None)
    log.close()
    assert 150 <= len(written) <= 500


def written(tmp_path_factory, steps):
    """Return (point, seconds since the last, seconds of its rate) of bars that advance in steps."""
    path, now = tmp_path_factory.mktemp("log") / "events.jsonl", [0.0]
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress_events, "clock", lambda: now[0])
        events.use_log(log := events.EventLog(path))
        bars, times = {}, {}
        patch.setattr(progress.events, "emit", lambda kind, **fields: found.append(fields))
        result = []
        for name, seconds, count, ends in steps:
            now[0] += seconds
            shown = bars.get(name) or bars.setdefault(name, begin(name, times, now[0]))
            before = len(found)
            shown.close() if ends else shown.update(count)
            for point in found[before:]:
                past = times[name]
                since = now[0] - past[-1]
                window = since if since >= 9.999 else now[0] - past[-2]
                result.append((point | {"last": ends}, since, window))
                past.append(now[0])
            if ends:
                del bars[name]
        events.use_log(None)
        log.close()
    return result


def begin(name, times, now):
    """Begin a bar, and note when."""
    times[name] = [now]
    return progress.bar(desc=name, shown=False)
