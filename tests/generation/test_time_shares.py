"""An engine's time is shared out among the completions that it worked on at once."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.files import digest
from slmrag.generation.journal import Journal
from slmrag.generation.time_shares import Timeline, WorkTimes, completion_span

SECOND = st.integers(0, 50).map(lambda tenth: tenth / 10)
TOKENS = st.integers(1, 2000).map(float)
SPANS = st.lists(st.tuples(SECOND, SECOND, SECOND, TOKENS, TOKENS), max_size=12)


def parts(*spans):
    """Return the busy seconds of completions, and the part of each."""
    table = np.array(spans, dtype=float).reshape(-1, 5)
    line = Timeline(table)
    return line.busy_seconds, line.seconds(table).tolist()


@given(SPANS)
def test_the_parts_add_up_to_the_busy_time(spans):
    """All parts together are the time in which something was in service, none is below zero."""
    spans = [(begin, begin + read, begin + read + write, *n) for begin, read, write, *n in spans]
    edges = sorted({moment for one in spans for moment in one[:3]})
    between = list(itertools.pairwise(edges))
    busy = sum(b - a for a, b in between if any(one[0] <= a and b <= one[2] for one in spans))
    whole, own = parts(*spans)
    assert whole == pytest.approx(busy)
    assert sum(own) == pytest.approx(busy) and min(own, default=0) >= -1e-9


def test_who_is_alone_pays_for_all_of_its_time():
    """Completions one after the other have their own seconds; what stood still costs nobody."""
    assert parts((0, 1, 3, 100, 5), (5, 5, 6, 1, 5)) == (4.0, pytest.approx([3, 1]))


def test_equal_work_at_once_is_shared_equally():
    """Two of a kind in one batch take half each; a third beside them takes a third."""
    assert parts((0, 1, 3, 9, 4), (0, 1, 3, 9, 4))[1] == pytest.approx([1.5, 1.5])
    assert parts(*[(0, 1, 3, 9, 4)] * 3)[1] == pytest.approx([1, 1, 1])


def test_a_longer_prompt_costs_more_in_the_same_time():
    """Of two prompts read at once the one of nine times the tokens takes nine tenths."""
    assert parts((0, 1, 1, 900, 1), (0, 1, 1, 100, 1))[1] == pytest.approx([0.9, 0.1], abs=1e-3)


def test_what_took_no_time_costs_none():
    """A completion without a duration, alone or beside another, has no part."""
    assert parts((1, 1, 1, 5, 5)) == (0.0, [0.0])
    assert parts((1, 1, 1, 5, 5), (0, 1, 2, 5, 5))[1] == pytest.approx([0, 2])
    assert parts() == (0.0, [])


class Batches:
    """A made-up engine of at most ``seqs`` sequences and 2,048 tokens a step, ten new ones each.

    A step takes 5 ms and 0.02 ms a token; ``true`` is each one's part of its steps by tokens.
    """

    def __init__(self, seqs, *lengths):
        """Answer prompts of some lengths, in their order."""
        self.spans = np.array([[0, 0, 0, length, 10] for length in lengths], dtype=float)
        self.true, self.left = np.zeros(len(lengths)), [[length, 10] for length in lengths]
        waiting, running, now = list(range(len(lengths))), [], 0.0
        while waiting or running:
            room, took = 2048, {}
            while room and (len(took) < len(running) or (waiting and len(running) < seqs)):
                if len(took) == len(running):
                    running.append(waiting.pop(0))
                    self.spans[running[-1], 0] = now
                place = running[len(took)]
                took[place] = min(room, self.left[place][0] or 1)
                room -= took[place]
            step = 0.005 + 2e-5 * sum(took.values())
            now += step
            for place, tokens in took.items():
                self.true[place] += step * tokens / sum(took.values())
                self.advance(place, tokens, now)
            running = [place for place in running if self.left[place][1]]

    def advance(self, place, tokens, now):
        """Take tokens off what is to be read; where nothing is left, one is written."""
        left = self.left[place]
        if left[0]:
            left[0] -= tokens
            self.spans[place, 1] = now
        if not left[0]:
            left[1] -= 1
        self.spans[place, 2] = now


@pytest.mark.parametrize("seqs", [8, 64, 256])
def test_cells_in_one_batch_pay_what_they_cost(seqs):
    """Three cells of 60, 150 and 800 tokens a prompt get their true parts, within 5 %."""
    lengths = [60] * 40 + [150] * 40 + [800] * 40
    made = Batches(seqs, *lengths)
    found = Timeline(made.spans).seconds(made.spans)
    cells = [slice(0, 40), slice(40, 80), slice(80, 120)]
    assert [found[cell].sum() for cell in cells] == pytest.approx(
        [made.true[cell].sum() for cell in cells], rel=0.05
    )


def completion(name, run, finished, **more):
    """Return a line of the journal."""
    times = {"first_token_seconds": 0.5, "seconds": 1.0, "finished": finished}
    tokens = {"prompt_tokens": 100, "generated_tokens": 10}
    return {"digest": digest(name), "text": name, "engine": run, **times, **tokens, **more}


def test_a_span_leaves_out_what_a_cache_held():
    """Tokens that were not read again are no work; without a first token all is one time."""
    assert completion_span(completion("a", "e", 3.0, cached_tokens=64)) == (2.0, 2.5, 3.0, 36, 10)
    assert completion_span(completion("a", "e", 3.0, cached_tokens=100)) == (2.0, 2.5, 3.0, 1, 10)
    assert completion_span(completion("a", "e", 3.0, first_token_seconds=None))[1] == 3.0


UNSAID = [{"finished": None}, "finished", {"prompt_tokens": None}, {"generated_tokens": None}]


@pytest.mark.parametrize("lacks", UNSAID)
def test_a_line_that_lacks_a_time_or_tokens_has_no_span(lacks):
    """Where the end of a completion or its tokens are not said, nothing is made up."""
    line = completion("a", "e", 3.0)
    line = (
        line | lacks if isinstance(lacks, dict) else {k: v for k, v in line.items() if k != lacks}
    )
    assert completion_span(line) is None


def test_a_resumed_cell_takes_its_part_of_each_run(tmp_path):
    """Completions of an earlier job keep their part of that job's run, beside those of others."""
    with Journal(tmp_path) as journal:
        journal.note_run({"id": "first"})
        journal.append([completion(name, "first", 1.0) for name in "abcd"])
    with Journal(tmp_path) as journal:
        journal.note_run({"id": "second"})
        journal.append([completion("e", "second", 1.0), completion("f", "second", 9.0)])
        work_times = WorkTimes(journal)
        lines = journal.read([digest(name) for name in "aef"])
        assert work_times.seconds(lines) == pytest.approx([0.25, 1.0, 1.0])
        assert (work_times.busy_seconds("first"), work_times.busy_seconds("second")) == (1.0, 2.0)


def test_a_run_that_lacks_one_time_has_no_parts(tmp_path):
    """One completion without its time makes the parts of its whole run unknown, no other's."""
    with Journal(tmp_path) as journal:
        for run, ends in (("old", None), ("new", 2.0)):
            journal.note_run({"id": run})
            journal.append([completion(f"{run} {i}", run, ends or i) for i in (1, 2)])
        journal.append([completion("torn", "old", None)])
        work_times = WorkTimes(journal)
        lines = journal.read([digest("old 1"), digest("new 1")])
        assert work_times.seconds(lines) == [None, pytest.approx(0.5)]
        assert work_times.busy_seconds("old") is None


def test_what_a_twin_made_too_took_its_time(tmp_path):
    """A completion that an earlier file has as well still took its part of the later run."""
    for run, names in (("first", "a"), ("second", "ab")):
        with Journal(tmp_path) as journal:
            journal.note_run({"id": run})
            journal.append([completion(name, run, 1.0) for name in names])
    with Journal(tmp_path) as journal:
        work_times, lines = WorkTimes(journal), journal.read([digest("a"), digest("b")])
        assert [line["engine"] for line in lines] == ["first", "second"]
        assert work_times.seconds(lines) == pytest.approx([1.0, 0.5])
