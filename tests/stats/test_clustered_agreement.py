"""All coefficients at once against the single ones, which have oracles of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from safescale.errors import DomainError, InsufficientData
from safescale.stats import clustered_agreement, cohen_kappa, gwet_ac1, krippendorff_alpha

LEVELS = ("none", "partial", "full")


def pair(n=60, seed=3):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 3, n)
    second = np.where(rng.random(n) < 0.7, first, rng.integers(0, 3, n))
    return [LEVELS[x] for x in first], [LEVELS[x] for x in second]


def test_one_trace_a_prompt_gives_the_single_coefficients():
    """Vouched for by cohen_kappa, gwet_ac1 and krippendorff_alpha; of squares over G prompts it divides by G - 1."""
    a, b = pair()
    found = clustered_agreement(a, b, range(60), categories=LEVELS)
    kappa, weighted = cohen_kappa(a, b, categories=LEVELS), cohen_kappa(a, b, categories=LEVELS, weights="linear")
    ratings = list(zip(a, b, strict=True))
    more = math.sqrt(60 / 59)
    for own, other in ((found.kappa, kappa), (found.weighted_kappa, weighted)):
        assert own.estimate == pytest.approx(other.kappa)
        assert own.standard_error == pytest.approx(other.standard_error * more)
    ac1 = gwet_ac1(ratings, categories=LEVELS)
    assert found.ac1.estimate == pytest.approx(ac1.coefficient)
    assert found.ac1.standard_error == pytest.approx(ac1.standard_error, rel=1e-9)
    assert found.alpha.estimate == pytest.approx(krippendorff_alpha(ratings, categories=LEVELS).alpha)
    assert found.observed.estimate == pytest.approx(kappa.observed_agreement)


def test_rows_twice_tell_no_more():
    a, b = pair()
    once = clustered_agreement(a, b, range(60), categories=LEVELS)
    twice = clustered_agreement(a * 2, b * 2, [*range(60)] * 2, categories=LEVELS)
    assert twice.kappa.standard_error == pytest.approx(once.kappa.standard_error)
    assert twice.kappa.low == pytest.approx(once.kappa.low)
    assert twice.observed.low == pytest.approx(once.observed.low)
    apart = clustered_agreement(a * 2, b * 2, range(120), categories=LEVELS)
    assert apart.kappa.standard_error < once.kappa.standard_error


def test_a_weight_of_two_is_a_trace_twice_for_every_coefficient():
    a, b = pair(30)
    weights = [1 + at % 2 for at in range(30)]
    weighted = clustered_agreement(a, b, range(30), categories=LEVELS, weights=weights)
    repeated = [at for at, w in enumerate(weights) for _ in range(w)]
    again = clustered_agreement([a[i] for i in repeated], [b[i] for i in repeated], repeated, categories=LEVELS)
    for name in ("observed", "kappa", "weighted_kappa", "ac1"):
        assert getattr(weighted, name).estimate == pytest.approx(getattr(again, name).estimate)
        assert getattr(weighted, name).standard_error == pytest.approx(getattr(again, name).standard_error)
    scaled = clustered_agreement(a, b, range(30), categories=LEVELS, weights=[7.5 * w for w in weights])
    assert scaled.kappa.estimate == pytest.approx(weighted.kappa.estimate)


def test_confusion_rows_add_up_and_hold_their_intervals():
    a, b = pair()
    found = clustered_agreement(a, b, [at // 2 for at in range(60)], categories=LEVELS)
    assert np.sum(found.table) == found.n == 60
    assert found.clusters == 30
    for counts, shares in zip(found.table, found.given_first, strict=True):
        assert sum(s.estimate for s in shares) == pytest.approx(1)
        assert [s.estimate for s in shares] == pytest.approx([c / sum(counts) for c in counts])
        assert all(0 <= s.low <= s.estimate <= s.high <= 1 for s in shares)
        assert all(s.high - s.low > 0.05 for s in shares)


def test_one_label_only_is_said():
    same = clustered_agreement(["full"] * 20, ["full"] * 20, range(20), categories=LEVELS)
    assert same.kappa.estimate is None
    assert "0/0" in same.kappa.undefined_because
    assert same.observed.estimate == 1
    assert same.observed.low < 0.9
    one = clustered_agreement(["full"] * 20, ["full", "none"] * 10, range(20), categories=LEVELS)
    assert one.kappa.estimate == pytest.approx(0)
    assert one.kappa.low is None
    assert "first grader" in one.kappa.undefined_because
    assert one.given_first[0][0].undefined_because == "no trace was called 'none' by the first grader"


def test_refusals():
    with pytest.raises(InsufficientData, match="at least one trace"):
        clustered_agreement([], [], [], categories=LEVELS)
    with pytest.raises(DomainError, match="at least two labels"):
        clustered_agreement(["x"], ["x"], [1], categories=["x"])
    with pytest.raises(DomainError, match="not among the categories"):
        clustered_agreement(["x"], ["none"], [1], categories=LEVELS)
