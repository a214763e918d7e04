import numpy as np
import pytest
from slmrag.scoring.bootstrap import (
    bca_intervals,
    bootstrap_means,
    intervals,
    resample_counts,
    student_quantile,
)

LUCK = np.random.default_rng(0).random((200_000, 2)).mean(axis=1)


def coverage(share, n, repeats=400):
    """Return how often intervals of simulated successes hold their true share."""
    random = np.random.default_rng(1)
    hits = 0
    for seed in range(repeats):
        low, high = intervals((random.random((n, 1)) < share).astype(float), 0.95, 500, seed)[0]
        hits += low <= share <= high
    return hits / repeats


@pytest.mark.parametrize(("share", "n"), [(0.35, 200), (0.05, 150), (0.02, 300)])
def test_intervals_cover_the_true_mean(share, n):
    """In simulation, 95 % intervals hold the true mean 92 to 98.5 times in a hundred."""
    assert 0.92 <= coverage(share, n) <= 0.985


def test_equal_seeds_give_equal_intervals():
    """The interval is a function of the values, the number of resamples and the seed."""
    values = np.random.default_rng(0).random((50, 2))
    assert np.array_equal(intervals(values, 0.9, 300, 7), intervals(values, 0.9, 300, 7))


def test_resamples_draw_as_many_rows_as_there_are():
    """Each resample draws n rows of n."""
    blocks = list(resample_counts(13, 40, 0))
    assert sum(len(block) for block in blocks) == 40
    assert all((block.sum(axis=1) == 13).all() for block in blocks)


def test_columns_share_the_resamples():
    """The resampled means of a difference are the difference of the resampled means."""
    values = np.random.default_rng(0).random((30, 2))
    means = bootstrap_means(np.column_stack([values, values[:, 0] - values[:, 1]]), 100, 3)
    assert np.allclose(means[:, 2], means[:, 0] - means[:, 1])


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_questions_have_no_interval(n):
    """An interval of less than two values is not defined."""
    assert np.isnan(intervals(np.ones((n, 1)), 0.95, 10, 0)).all()


def test_all_wrong_still_leaves_room():
    """No success in 100 questions is compatible with up to 3.6 % (Clopper and Pearson)."""
    low, high = intervals(np.zeros((100, 1)), 0.95, 100, 0)[0]
    assert (low, high) == (0.0, pytest.approx(0.0362, abs=1e-4))


def test_the_interval_agrees_with_scipy():
    """BCa bounds equal scipy's within the noise of the resamples."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    values = np.random.default_rng(5).beta(0.3, 1.2, 120)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=0)
    ours = intervals(values[:, None], 0.95, 20_000, 0)[0]
    assert ours == pytest.approx(list(theirs.confidence_interval), abs=2e-3)


@pytest.mark.parametrize(("shares", "n"), [((0.3, 0.4), 200), ((0.05, 0.1), 300)])
def test_intervals_of_a_difference_cover_it(shares, n):
    """In simulation, BCa and Student's intervals of a paired difference hold the true one."""
    random, hits = np.random.default_rng(2), np.zeros(2)
    for seed in range(300):
        luck = random.random((n, 1)) * 0.5 + random.random((n, 2)) * 0.5
        difference = np.subtract(*(luck < np.quantile(LUCK, shares)).T.astype(float))
        truth = shares[0] - shares[1]
        own = intervals(difference[:, None], 0.95, 400, seed)[0]
        reach = student_quantile(n, 0.95) * difference.std(ddof=1) / n**0.5
        both = np.array([own, difference.mean() + np.array([-reach, reach])])
        hits += (both[:, 0] <= truth) & (truth <= both[:, 1])
    assert np.all((hits / 300 >= 0.915) & (hits / 300 <= 0.985))


def test_many_intervals_at_once_are_each_alone():
    """The bounds of a row depend on that row only, and equal numpy's quantiles without skew."""
    random = np.random.default_rng(9)
    means = random.normal(0.3, 0.02, (5, 401))
    middle, skews = np.median(means, axis=1), np.zeros(5)
    found = bca_intervals(means, middle, skews, 0.9)
    alone = [
        bca_intervals(means[i : i + 1], middle[i : i + 1], skews[:1], 0.9)[0] for i in range(5)
    ]
    assert np.array_equal(found, alone)
    assert found == pytest.approx(np.quantile(means, [0.05, 0.95], axis=1).T, abs=1e-3)
