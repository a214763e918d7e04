from itertools import combinations

import numpy as np
import pytest
from slmrag.scoring.paired_tests import (
    binomial_test,
    difference_sums,
    holm,
    mcnemar_tests,
    minimum_detectable_effect,
    permutation_tests,
)


def scores(n=60, shares=(0.5, 0.5, 0.7, 0.9)):
    """Return 0/1 scores of cells with given shares."""
    return (np.random.default_rng(0).random((n, len(shares))) < shares).astype(float)


def test_permutation_agrees_with_scipy():
    """Each pair's p value equals scipy's within the noise of the flips."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    values = scores() + 0.1 * np.random.default_rng(1).random((60, 4))
    pairs = list(combinations(range(4), 2))
    for (a, b), ours in zip(pairs, permutation_tests(values, pairs, 20_000, 0), strict=True):
        theirs = stats.permutation_test(
            (values[:, a], values[:, b]),
            lambda x, y, axis: np.mean(x - y, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=20_000,
            rng=1,
        )
        assert ours == pytest.approx(theirs.pvalue, abs=0.012)


def test_the_permutation_p_value_is_exact_where_it_can_be_counted():
    """Three questions that all differ one way: two of eight flips are as extreme, p near 1/4."""
    values = np.array([[1.0, 0.0]] * 3)
    assert permutation_tests(values, [(0, 1)], 20_000, 0)[0] == pytest.approx(0.25, abs=0.01)


def test_p_values_are_uniform_where_nothing_differs():
    """Under the null the test rejects at 5 % about 5 times in a hundred."""
    random = np.random.default_rng(3)
    found = [
        permutation_tests(random.random((40, 2)), [(0, 1)], 200, seed)[0] for seed in range(400)
    ]
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.085


def test_no_flip_as_extreme_is_bounded_not_zero():
    """A difference beyond all flips has Hoeffding's bound for its p value."""
    values = np.column_stack([np.ones(200), np.zeros(200)])
    assert 0 < permutation_tests(values, [(0, 1)], 100, 0)[0] == pytest.approx(2 * np.exp(-100))


@pytest.mark.parametrize("spread", [0.0, 0.4])
def test_stopping_early_gives_the_same_p_values_within_their_noise(spread):
    """A pair that stops at 100 extreme flips has a p value within some tenths of the full one's."""
    random = np.random.default_rng(6)
    values = (random.random((200, 12)) < 0.3 + spread * random.random(12)).astype(float)
    pairs = list(combinations(range(12), 2))
    full = permutation_tests(values, pairs, 10_000, 0)
    early = permutation_tests(values, pairs, 10_000, 0, np.full(len(pairs), 100))
    assert np.allclose(early, full, rtol=0.45, atol=0.002) and not np.array_equal(early, full)
    assert np.array_equal(early[full < 0.009], full[full < 0.009])


def test_stopping_early_keeps_p_values_uniform():
    """Under the null the test that stops at few extreme flips rejects 5 times in a hundred."""
    random, enough_extreme = np.random.default_rng(8), np.array([20])
    found = [
        permutation_tests(random.random((40, 2)), [(0, 1)], 1000, seed, enough_extreme)[0]
        for seed in range(400)
    ]
    assert 0.025 <= np.mean(np.array(found) <= 0.05) <= 0.08


def test_any_order_of_pairs_gives_the_same_p_values():
    """The p value of a pair depends on the pair, not on the others or their order."""
    values, pairs = scores(), list(combinations(range(4), 2))
    found = dict(zip(pairs, permutation_tests(values, pairs, 2000, 0), strict=True))
    for pair in reversed(pairs):
        assert permutation_tests(values, [pair], 2000, 0)[0] == found[pair]


def test_equal_columns_have_p_of_one():
    """Two cells with the same scores do not differ."""
    values = np.repeat(scores()[:, :1], 2, axis=1)
    assert permutation_tests(values, [(0, 1)], 100, 0)[0] == 1.0


def test_mcnemar_agrees_with_statsmodels():
    """The exact test equals statsmodels' on a two by two table."""
    tables = pytest.importorskip(
        "statsmodels.stats.contingency_tables", reason="statsmodels is not installed"
    )
    one, two = scores(shares=(0.5, 0.7)).T
    table = [[np.sum((one == a) & (two == b)) for b in (1, 0)] for a in (1, 0)]
    ours = mcnemar_tests(np.stack([one, two], axis=1), [(0, 1)])[0]
    assert ours == pytest.approx(tables.mcnemar(table, exact=True).pvalue)


@pytest.mark.parametrize(("fewer", "n"), [(0, 0), (0, 6), (3, 6), (40, 100), (480, 1000)])
def test_the_binomial_test_agrees_with_scipy(fewer, n):
    """The fair coin's two-sided p value equals scipy's; no toss is no evidence."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    theirs = stats.binomtest(fewer, n).pvalue if n else 1.0
    assert binomial_test(fewer, n) == pytest.approx(theirs)


def test_holm_agrees_with_statsmodels():
    """The adjusted p values equal statsmodels', in the given order."""
    tests = pytest.importorskip(
        "statsmodels.stats.multitest", reason="statsmodels is not installed"
    )
    p_values = np.random.default_rng(2).random(20) ** 3
    assert holm(p_values) == pytest.approx(tests.multipletests(p_values, method="holm")[1])
    assert len(holm([])) == 0


def test_the_detectable_effect_is_found_eight_times_in_ten():
    """A paired test of as many questions finds such a difference with 80 % power."""
    random, effect = np.random.default_rng(4), minimum_detectable_effect(1.0, 100)
    found = random.normal(effect, 1.0, (3000, 100))
    z = found.mean(axis=1) / (found.std(axis=1, ddof=1) / 10)
    assert np.mean(z > 1.984) == pytest.approx(0.8, abs=0.03)
    assert np.isnan(minimum_detectable_effect(1.0, 1))


def test_no_spread_detects_nothing():
    """Where no question differs the detectable effect is not known: 0 would be the finest test."""
    values = np.random.default_rng(0).random((500, 1)).repeat(2, axis=1)
    sums, squares = difference_sums(values, np.array([0]), np.array([1]))
    deviation = np.sqrt(np.maximum(squares - sums**2 / 500, 0) / 499)
    assert np.isnan(minimum_detectable_effect(deviation, 500)).all()
