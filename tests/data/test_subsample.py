"""Samples of questions."""

from hypothesis import given
from hypothesis import strategies as st
from slmrag.data.subsample import sample

names = st.lists(st.text(max_size=5), unique=True, max_size=30)


@given(names, st.integers(0, 31), st.integers(0, 31), st.integers())
def test_a_sample_only_grows(items, small, large, seed):
    """A larger limit keeps what a smaller one had, in the order of the items."""
    small, large = sorted((small, large))
    few, many = ([*sample(items, n, seed, str)] for n in (small, large))
    assert set(few) <= set(many)
    assert many == [item for item in items if item in many]
    assert len(many) == min(large, len(items))


@given(names, st.text(min_size=6, max_size=7))
def test_a_newcomer_takes_one_place_at_most(items, newcomer):
    """An item more in the file pushes at most one other out of the sample."""
    before, after = ({*sample(i, 5, 0, str)} for i in (items, [newcomer, *items]))
    assert len(before - after) <= 1


def test_no_limit_is_everything():
    """Without a limit all items come, and the seed picks which where there is one."""
    assert [*sample("abc", None, 0, str)] == ["a", "b", "c"]
    assert [*sample("abcdefgh", 3, 0, str)] != [*sample("abcdefgh", 3, 1, str)]
