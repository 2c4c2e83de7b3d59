"""From a permutation distribution to p, counted by hand."""

import numpy as np
import pytest

from safescale.stats._tails import tail_share

SUMS = np.array([-3.0, -1.0, 0.0, 2.0])


@pytest.mark.parametrize(
    ("alternative", "doubled", "extra", "share"),
    [
        ("greater", False, 0, 1 / 4),
        ("less", False, 0, 4 / 4),
        ("two-sided", False, 0, 2 / 4),
        ("two-sided", True, 0, 2 * 1 / 4),
        ("greater", False, 1, (1 + 1) / 5),
        ("less", False, 1, (4 + 1) / 5),
        ("two-sided", False, 1, (2 + 1) / 5),
        ("two-sided", True, 1, 2 * (1 + 1) / 5),
    ],
)
def test_share_at_an_observed_sum_of_two(alternative, doubled, extra, share):
    """Random arrangements count the observed one: (b + 1) / (m + 1)."""
    assert tail_share(SUMS, 2.0, alternative, doubled=doubled, extra=extra) == pytest.approx(share)


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_an_observed_sum_beyond_all_random_ones_is_not_impossible(alternative):
    observed = -9.0 if alternative == "less" else 9.0
    assert tail_share(SUMS, observed, alternative, doubled=False, extra=1) == pytest.approx(1 / 5)


def test_sums_within_the_tolerance_are_equal():
    assert tail_share(SUMS, 2.0 + 1e-12, "greater", doubled=False, tolerance=1e-10) == 1 / 4
    assert tail_share(SUMS, 2.0 + 1e-12, "greater", doubled=False) == 0
    assert tail_share(SUMS, -3.0 - 1e-12, "less", doubled=False, tolerance=1e-10) == 1 / 4
    assert tail_share(SUMS, -3.0 - 1e-12, "two-sided", doubled=False, tolerance=1e-10) == 1 / 4
