"""The isotonic check of an ordered series."""

import itertools
import math

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import isotonic_check
from safescale.stats.isotonic import pooled_rates, rising_fits


def by_all_poolings(k, n):
    """The rising fit of least weighted squares among all ways to pool neighbours."""
    best = None
    for cuts in itertools.product([False, True], repeat=len(k) - 1):
        edges = [0, *(at + 1 for at, cut in enumerate(cuts) if cut), len(k)]
        fit = np.concatenate([np.full(b - a, sum(k[a:b]) / sum(n[a:b])) for a, b in itertools.pairwise(edges)])
        loss = float(np.array(n) @ (np.array(k) / n - fit) ** 2)
        if np.all(np.diff(fit) >= 0) and (best is None or loss < best[0] - 1e-13):
            best = (loss, fit)
    return best[1]


def log_likelihood(k, n, rates):
    """With 0 log 0 = 0."""
    terms = [(a, r) for a, r in zip(k, rates, strict=True) if a] + [
        (b - a, 1 - r) for a, b, r in zip(k, n, rates, strict=True) if b > a
    ]
    return sum(a * math.log(r) for a, r in terms)


@given(own.series(min_size=3))
def test_fit_is_the_best_pooling_and_the_ratio_its_cost(cells):
    k, n = own.columns(cells)
    check = isotonic_check(k, n, resamples=99)
    turned = by_all_poolings(k[::-1], n[::-1])[::-1]
    for got, fit in ((check.increasing, by_all_poolings(k, n)), (check.decreasing, turned)):
        assert got.fitted == pytest.approx(fit, abs=1e-12)
        free = log_likelihood(k, n, [a / b for a, b in cells])
        assert got.likelihood_ratio == pytest.approx(2 * (free - log_likelihood(k, n, fit)), rel=1e-7, abs=1e-7)
        assert 0 < got.p_value == max(got.p_value_equal_rates, got.p_value_fitted) <= 1
    assert (check.successes, check.trials, check.resamples) == (tuple(k), tuple(n), 99)
    assert check.generalises_to == "these_models"


def test_fit_is_that_of_a_quadratic_programme():
    rng = np.random.default_rng(1)
    for _ in range(10):
        n = rng.integers(1, 60, 5)
        k = rng.binomial(n, rng.uniform(0, 1, 5))
        rises = [{"type": "ineq", "fun": lambda f, i=i: f[i + 1] - f[i]} for i in range(4)]
        other = scipy.optimize.minimize(
            lambda f, k=k, n=n: n @ (k / n - f) ** 2, np.full(5, 0.5), constraints=rises, method="SLSQP", options={"ftol": 1e-14}
        )
        assert pooled_rates(k, n) == pytest.approx(other.x, abs=1e-5)


def test_differential_isotonic():
    """2,000 random series: pool adjacent violators, the max-min formula, and all poolings are one fit."""
    rng = np.random.default_rng(20260630)
    for _ in range(2000):
        n = rng.integers(1, 30, int(rng.integers(3, 7)))
        k = rng.binomial(n, rng.uniform(0, 1, len(n)))
        fit = pooled_rates(k, n)
        assert fit == pytest.approx(rising_fits(k[np.newaxis], n)[0], abs=1e-13)
        assert fit == pytest.approx(by_all_poolings(k.tolist(), n.tolist()), abs=1e-12)
    print("isotonic: 2000 cases, three algorithms")


@given(own.series(min_size=3, max_size=6))
def test_law_largest_violation_is_the_largest_fall(cells):
    k, n = own.columns(cells)
    check = isotonic_check(k, n, resamples=99)
    rates = [a / b for a, b in cells]
    for got, sign in ((check.increasing, 1), (check.decreasing, -1)):
        falls = {(i, j): sign * (rates[i] - rates[j]) for i, j in itertools.combinations(range(len(rates)), 2)}
        assert got.largest_violation_pp == pytest.approx(max(0, 100 * max(falls.values())), abs=1e-12)
        assert (got.violating_pair is None) == (max(falls.values()) <= 0)
        assert got.violating_pair is None or falls[got.violating_pair] == pytest.approx(max(falls.values()), abs=1e-15)
        assert (got.largest_violation_pp == 0) == (got.likelihood_ratio <= 1e-9) == (got.p_value == 1) or got.likelihood_ratio > 0


@given(own.series(min_size=3, max_size=6))
def test_law_turning_the_series_swaps_the_directions(cells):
    here, there = isotonic_check(*own.columns(cells), resamples=99), isotonic_check(*own.columns(cells[::-1]), resamples=99)
    assert there.decreasing.fitted == pytest.approx(here.increasing.fitted[::-1], abs=1e-15)
    assert there.decreasing.likelihood_ratio == pytest.approx(here.increasing.likelihood_ratio, abs=1e-9)
    assert there.decreasing.largest_violation_pp == pytest.approx(here.increasing.largest_violation_pp, abs=1e-12)


@given(own.series(min_size=3, max_size=6))
def test_law_failures_fall_where_successes_rise(cells):
    k, n = (np.array(column) for column in own.columns(cells))
    here, there = isotonic_check(k, n, resamples=99).increasing, isotonic_check(n - k, n, resamples=99).decreasing
    assert there.fitted == pytest.approx(1 - here.fitted, abs=1e-12)
    assert there.likelihood_ratio == pytest.approx(here.likelihood_ratio, rel=1e-7, abs=1e-7)
    assert there.largest_violation_pp == pytest.approx(here.largest_violation_pp, abs=1e-9)


def test_the_p_at_equal_rates_is_that_of_all_tables():
    """3 cells of 6: the share of all 343 tables, weighted by their probability at the pooled rate."""
    n, k = np.array([6, 6, 6]), np.array([5, 2, 4])
    tables = np.array(list(itertools.product(range(7), repeat=3)))
    p = k.sum() / 18
    weights = np.array([math.prod(math.comb(6, a) * p**a * (1 - p) ** (6 - a) for a in table) for table in tables.tolist()])
    fits = np.array([by_all_poolings(table, [6, 6, 6]) for table in tables.tolist()])
    ratios = [2 * (log_likelihood(t, n, t / n) - log_likelihood(t, n, f)) for t, f in zip(tables, fits, strict=True)]
    got = isotonic_check(k, n).increasing
    exact = weights[np.array(ratios) >= got.likelihood_ratio - 1e-9].sum()
    assert got.p_value_equal_rates == pytest.approx(exact, abs=4 * math.sqrt(exact / 9999))
    fitted = np.array(
        [
            math.prod(math.comb(6, a) * f**a * (1 - f) ** (6 - a) for a, f in zip(t, got.fitted.tolist(), strict=True))
            for t in tables.tolist()
        ]
    )
    exact = fitted[np.array(ratios) >= got.likelihood_ratio - 1e-9].sum()
    assert got.p_value_fitted == pytest.approx(exact, abs=4 * math.sqrt(exact / 9999))
    assert got.p_value_fitted < got.p_value_equal_rates == got.p_value


def test_two_equal_halves_follow_chi_bar_squared():
    """Two big equal cells and a third far above: LR is 0 or chi2(1), half each (Robertson et al. 1988, theorem 2.3.1)."""
    got = isotonic_check([520, 480, 999], [1000, 1000, 1000], resamples=19_999).increasing
    assert got.p_value_fitted == pytest.approx(0.5 * math.erfc(math.sqrt(got.likelihood_ratio / 2)), abs=0.005)
    assert got.p_value == got.p_value_equal_rates > got.p_value_fitted


def test_rounding_is_no_violation():
    """1/3 and 3/9 and 100/300 are one rate."""
    check = isotonic_check([1, 3, 100], [3, 9, 300])
    for got in (check.increasing, check.decreasing):
        assert (got.likelihood_ratio, got.largest_violation_pp, got.violating_pair, got.p_value) == (0, 0, None, 1)


def test_draws_are_repeatable_and_the_caller_can_change_them():
    k, n = [8, 5, 9], [20, 20, 20]
    assert isotonic_check(k, n) == isotonic_check(k, n)
    assert isotonic_check(k, n, rng=1).increasing.p_value != isotonic_check(k, n).increasing.p_value
    assert isotonic_check([20, 0, 20], [20, 20, 20], resamples=99).increasing.p_value == 0.01


@pytest.mark.calibration
def test_size_at_equal_rates_and_at_a_step():
    rng = np.random.default_rng(6)
    for name, rates in (("equal", [0.3] * 5), ("step", [0.1, 0.1, 0.1, 0.6, 0.6]), ("rare", [0.02] * 5)):
        for n in ([40] * 5, [20, 200, 40, 10, 100]):
            checks = [isotonic_check(rng.binomial(n, rates), n, resamples=199, rng=run).increasing for run in range(1000)]
            size, alone = (np.mean([getattr(c, field) <= 0.05 for c in checks]) for field in ("p_value", "p_value_fitted"))
            print(f"{name}, n = {n}: size {size:.3f}, at the fit alone {alone:.3f}")
            assert size < 0.07


@pytest.mark.parametrize(
    ("k", "n", "error", "message"),
    [
        ([1, 2], [3, 3], InsufficientData, "at least 3 cells, got 2"),
        ([1, 2, 4], [3, 3, 3], DomainError, "must not exceed trials, got 4 of 3"),
        ([1, 2, 0], [3, 3, 0], DomainError, "at least 1 in every cell"),
        ([1] * 61, [2] * 61, DomainError, "at most 60 cells, got 61"),
    ],
)
def test_refuses(k, n, error, message):
    with pytest.raises(error, match=message):
        isotonic_check(k, n)


@pytest.mark.parametrize("resamples", [98, 1000.0, True])
def test_refuses_too_few_resamples(resamples):
    with pytest.raises(DomainError, match="resamples must be a whole number of at least 99"):
        isotonic_check([1, 2, 3], [4, 4, 4], resamples=resamples)
