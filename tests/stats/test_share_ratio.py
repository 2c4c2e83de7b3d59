"""A ratio of shares beside chance."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from safescale.errors import DomainError, InsufficientData
from safescale.stats import share_ratio_null

LABELS = [0] * 4 + [1] * 3 + [2] * 3 + [3] * 3 + list(range(4, 12))


def test_the_ratio_of_report_164_is_what_chance_makes():
    """Published-claims.md, section B: median 21.8 under pure noise at 21 models of 12 providers, above 57.5 with .32."""
    rng = np.random.default_rng(5)
    found = share_ratio_null(57.5, LABELS, rng.normal(size=21), draws=40_000)
    assert found.null_median == pytest.approx(21.8, abs=0.6)
    assert found.p_as_large == pytest.approx(0.32, abs=0.01)
    assert found.because == "it compares 11 degrees of freedom with 1"


def test_each_share_has_its_own_null_distribution():
    """Definition: eta2 is Beta((k-1)/2, (n-k)/2) and R2 Beta(1/2, (n-2)/2), so the median is near that of independent ones."""
    eta2 = scipy.stats.beta(11 / 2, 9 / 2).rvs(40_000, random_state=1)
    r2 = scipy.stats.beta(1 / 2, 19 / 2).rvs(40_000, random_state=2)
    found = share_ratio_null(10.0, LABELS, np.random.default_rng(8).normal(size=21), draws=20_000)
    assert found.null_median == pytest.approx(float(np.median(eta2 / r2)), rel=0.06)


def test_order_and_scale_are_irrelevant():
    x = np.arange(21.0)
    order = np.random.default_rng(2).permutation(21)
    one = share_ratio_null(30.0, LABELS, x, draws=20_000)
    other = share_ratio_null(30.0, [LABELS[i] for i in order], 7 - 3 * x[order], draws=20_000)
    assert one.null_median == pytest.approx(other.null_median, rel=0.05)


@pytest.mark.parametrize(
    ("ratio", "labels", "covariate", "error", "message"),
    [
        (-1.0, LABELS, range(21), DomainError, "at least 0, got -1"),
        (1.0, [0] * 21, range(21), InsufficientData, "1 groups of 21 values"),
        (1.0, range(21), range(21), InsufficientData, "21 groups of 21 values"),
        (1.0, LABELS, [1.0] * 21, InsufficientData, "all"),
    ],
)
def test_refuses(ratio, labels, covariate, error, message):
    with pytest.raises(error, match=message):
        share_ratio_null(ratio, labels, list(covariate))


def test_refuses_too_few_draws():
    with pytest.raises(DomainError, match="at least 99, got 10"):
        share_ratio_null(1.0, LABELS, range(21), draws=10)
