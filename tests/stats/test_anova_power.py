"""Power of the F test over groups of models."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import anova_power
from stats.planning_strategies import alphas, group_sizes

# a layout of report B's kind: 21 models, 12 providers
LAYOUT = [5, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(("icc", "printed"), [(0.2, 0.125), (0.4, 0.28), (0.6, 0.57), (0.7, 0.75), (0.8, 0.91)])
def test_reproduces_the_power_at_report_b(icc, printed):
    """statistics.md, "Power of that F test at n=21,k=12"; its layout is not printed, and this one agrees to .01."""
    assert anova_power(LAYOUT, icc=icc).power == pytest.approx(printed, abs=0.01)


def test_reproduces_the_models_per_provider():
    """The same: 80 % at ICC .22 takes 8 models per provider (96), at .4 four (48)."""
    for icc, per_provider in ((0.22, 8), (0.4, 4)):
        assert anova_power([per_provider] * 12, icc=icc).power >= 0.8 > anova_power([per_provider - 1] * 12, icc=icc).power


def simulate(sizes, icc, runs, rng, fixed=None):
    """F of normal data with these groups."""
    sizes = np.array(sizes)
    group = np.repeat(np.arange(len(sizes)), sizes)
    effects = rng.normal(0, math.sqrt(icc / (1 - icc)), (runs, len(sizes))) if fixed is None else fixed
    y = np.broadcast_to(effects, (runs, len(sizes)))[:, group] + rng.normal(size=(runs, len(group)))
    means = np.stack([y[:, group == g].mean(axis=1) for g in range(len(sizes))], axis=1)
    between = ((means - y.mean(axis=1, keepdims=True)) ** 2 @ sizes) / (len(sizes) - 1)
    within = ((y - means[:, group]) ** 2).sum(axis=1) / (len(group) - len(sizes))
    return between / within


@pytest.mark.parametrize("sizes", [LAYOUT, [10, 1, 1], [2, 1], [2, 6, 6, 1]])
@pytest.mark.parametrize("icc", [0.3, 0.7])
def test_power_of_unequal_groups_by_simulation(sizes, icc):
    f = simulate(sizes, icc, 20_000, np.random.default_rng(1))
    got = anova_power(sizes, icc=icc)
    share = np.mean(f > got.f_critical)
    print(f"{sizes}, ICC {icc}: simulated {share:.4f}, computed {got.power:.4f}")
    assert share == pytest.approx(got.power, abs=4 * math.sqrt(got.power * (1 - got.power) / 20_000))


def test_power_of_fixed_groups_by_simulation():
    """Effects of these groups that hold a third of the variance of these models."""
    sizes = np.array([4, 3, 2, 2])
    effects = np.array([0.5, -0.4, 0.1, 1.0])
    centred = effects - effects @ sizes / 11
    share = centred**2 @ sizes / 11
    got = anova_power(sizes, eta_squared=share / (1 + share))
    simulated = np.mean(simulate(sizes, 0, 20_000, np.random.default_rng(2), fixed=effects) > got.f_critical)
    assert 0.15 < got.power < 0.9
    assert simulated == pytest.approx(got.power, abs=4 * math.sqrt(got.power * (1 - got.power) / 20_000))


def test_differential_equal_groups_have_a_closed_form():
    """Imhof's integral, forced upon equal groups, against the scaled F; eta squared against scipy's ncf: 2,000 cases each."""
    from safescale.stats.anova_power import _positive_form

    rng = np.random.default_rng(3)
    worst_random, worst_fixed = 0.0, 0.0
    for case in range(2000):
        k, m = int(rng.integers(2, 15)), int(rng.integers(2, 9))
        icc, alpha = float(rng.uniform(0, 0.95)), float(10 ** rng.uniform(-3, -0.5))
        n = k * m
        critical = scipy.stats.f.isf(alpha, k - 1, n - k)
        ratio = 1 + m * icc / (1 - icc)
        weights = np.append(np.full(k - 1, ratio / (k - 1)), -critical / (n - k))
        integral = _positive_form(weights, np.append(np.ones(k - 1), n - k), np.zeros(k)) if case % 4 == 0 else None
        closed = scipy.stats.f.sf(critical / ratio, k - 1, n - k)
        equal = anova_power([m] * k, icc=icc, alpha=alpha).power
        worst_random = max(worst_random, abs(equal - closed), 0 if integral is None else abs(integral - closed))
        if icc > 0.01:
            other = scipy.stats.ncf.sf(critical, k - 1, n - k, n * icc / (1 - icc))
            worst_fixed = max(worst_fixed, abs(anova_power([m] * k, eta_squared=icc, alpha=alpha).power - other))
    print(f"2000 cases: integral against closed form {worst_random:.1e}, eta squared against ncf {worst_fixed:.1e}")
    assert worst_random < 1e-9
    assert worst_fixed < 1e-9


@given(group_sizes(), alphas(), st.sampled_from(["icc", "eta_squared"]))
def test_law_no_difference_has_power_alpha(sizes, alpha, name):
    got = anova_power(sizes, alpha=alpha, **{name: 0.0})
    assert got.power == pytest.approx(alpha, abs=1e-9)
    n, k = sum(sizes), len(sizes)
    assert (got.n_models, got.n_groups, got.between_dof, got.within_dof) == (n, k, k - 1, n - k)
    assert got.f_critical == pytest.approx(scipy.stats.f.isf(alpha, k - 1, n - k))
    assert got.generalises_to == "new_models"


@given(group_sizes(), st.floats(0.01, 0.9), alphas(), st.sampled_from(["icc", "eta_squared"]))
def test_law_power_grows_with_the_share_and_not_with_the_order_of_groups(sizes, share, alpha, name):
    here = anova_power(sizes, alpha=alpha, **{name: share}).power
    assert alpha - 1e-9 <= here <= anova_power(sizes, alpha=alpha, **{name: min(0.99, 1.1 * share)}).power + 1e-9
    assert anova_power(sizes[::-1], alpha=alpha, **{name: share}).power == pytest.approx(here, abs=1e-9)
    doubled = anova_power([2 * size for size in sizes], alpha=alpha, **{name: share}).power
    assert doubled >= here - 1e-9


def test_large_noncentralities_are_not_nan():
    """scipy.special.ncfdtr (1.17) is NaN at df 1 and 30, noncentrality 2,600; 5,000 models with a share of .9 have 45,000."""
    for sizes, share in (([16, 16], 0.988), ([1000] * 5, 0.9), ([2, 2], 0.9999), ([3, 2], 0.99999)):
        got = anova_power(sizes, eta_squared=share).power
        assert got == pytest.approx(1, abs=1e-3)
    assert anova_power([1000] * 5, eta_squared=0.0024).power == pytest.approx(
        scipy.stats.ncf.sf(scipy.stats.f.isf(0.05, 4, 4995), 4, 4995, 5000 * 0.0024 / 0.9976), abs=1e-9
    )


def test_many_models_in_a_group_do_not_break_the_integral():
    got = anova_power([1000, 3, 2, 400], icc=0.3)
    f = simulate([1000, 3, 2, 400], 0.3, 2000, np.random.default_rng(4))
    assert got.power == pytest.approx(np.mean(f > got.f_critical), abs=0.04)


@pytest.mark.parametrize(
    ("sizes", "options", "error", "message"),
    [
        ([5], {"icc": 0.2}, InsufficientData, "groups are compared from 2 on, got 1"),
        ([1, 1, 1], {"icc": 0.2}, InsufficientData, "3 groups of one model each leave no scatter"),
        ([2, 0], {"icc": 0.2}, DomainError, "got 0 at position 1"),
        ([2, 2], {}, DomainError, "exactly one of icc"),
        ([2, 2], {"icc": 0.2, "eta_squared": 0.2}, DomainError, "exactly one of icc"),
        ([2, 2], {"icc": 1.0}, DomainError, r"icc must lie in \[0, 1\), got 1"),
        ([2, 2], {"eta_squared": -0.1}, DomainError, r"eta_squared must lie in \[0, 1\), got -0.1"),
        ([2, 2], {"icc": 0.2, "alpha": 0}, DomainError, "alpha must lie strictly"),
        ([2.5, 2], {"icc": 0.2}, DomainError, "whole numbers"),
    ],
)
def test_refuses(sizes, options, error, message):
    with pytest.raises(error, match=message):
        anova_power(sizes, **options)
