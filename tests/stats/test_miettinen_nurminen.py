"""The score interval and test of Miettinen and Nurminen."""

import math

import mpmath
import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import miettinen_nurminen_interval, miettinen_nurminen_intervals, miettinen_nurminen_test
from stats.two_sample_strategies import columns_of_pairs, pairs, random_columns

DIFFERENCES = st.floats(-0.99, 0.99).filter(lambda d: abs(d) > 1e-6)
EXTREME = [
    (0, 32, 15, 241),
    (0, 1, 0, 1),
    (1, 1, 0, 1),
    (0, 9, 0, 400),
    (9, 9, 400, 400),
    (1, 10**9, 3, 10**8),
    (10**9 - 1, 10**9, 5, 7),
    (0, 10**9, 10**9, 10**9),
]


def cubic_rates(k1, n1, k2, n2, d):
    """The closed form of the paper's appendix, in 50 digits: the constrained maximum as a root of a cubic in p2."""
    with mpmath.workdps(50):
        d, n, c = mpmath.mpf(d), n1 + n2, k1 + k2
        a = (n1 + 2 * n2) * d - n - c
        b = (n2 * d - n - 2 * k2) * d + c
        e = k2 * d * (1 - d)
        q = a**3 / (3 * n) ** 3 - a * b / (6 * mpmath.mpf(n) ** 2) + e / (2 * n)
        root = mpmath.sqrt(max(a * a / (3 * n) ** 2 - b / (3 * n), 0))
        root = root if q >= 0 else -root
        angle = (mpmath.pi + mpmath.acos(max(-1, min(1, q / root**3 if root else 0)))) / 3
        p2 = 2 * root * mpmath.cos(angle) - a / (3 * n)
        p2 = min(max(p2, -d, 0), 1, 1 - d)
        return p2 + d, p2


def paper_score(k1, n1, k2, n2, d):
    """(phat1 - phat2 - d) / sqrt(V) at 50 digits; infinite where V is 0."""
    p1, p2 = cubic_rates(k1, n1, k2, n2, d)
    with mpmath.workdps(50):
        gap = mpmath.mpf(k1) / n1 - mpmath.mpf(k2) / n2 - mpmath.mpf(d)
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
        if variance <= mpmath.mpf(10) ** -40:
            return 0.0 if abs(gap) < 1e-18 else math.copysign(math.inf, gap)
        return float(gap / mpmath.sqrt(variance))


def log_likelihood(k1, n1, k2, n2, p1, p2):
    parts = ((k1, p1), (n1 - k1, 1 - p1), (k2, p2), (n2 - k2, 1 - p2))
    return sum(scipy.special.xlogy(k, p) for k, p in parts)


@given(pairs(max_trials=300), DIFFERENCES)
def test_the_cubic_is_the_top_of_the_likelihood(pair, d):
    """The closed form that the definition below rests on, against a numeric optimiser."""
    p1, p2 = (float(p) for p in cubic_rates(*pair, d))
    low, high = max(0.0, -d), min(1.0, 1.0 - d)
    numeric = scipy.optimize.minimize_scalar(
        lambda p: -log_likelihood(*pair, p + d, p), bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    )
    assert low - 1e-12 <= p2 <= high + 1e-12
    assert p1 - p2 == pytest.approx(d, abs=1e-15)
    assert log_likelihood(*pair, min(p1, 1.0), max(p2, 0.0)) >= -numeric.fun - 1e-7


def assert_limits_solve_the_score_equation(pair, level):
    """Put the answer back in: just inside the limits the test does not reject, just outside it does."""
    z = scipy.special.ndtri((1 + level) / 2)
    got = miettinen_nurminen_interval(*pair, level=level)
    for limit, sign in ((got.low, 1), (got.high, -1)):
        a_hair = 1e-12 * max(abs(limit), got.high - got.low)
        if abs(limit) < 1:
            assert sign * paper_score(*pair, limit + sign * a_hair) <= z * (1 + 1e-9)
            assert sign * paper_score(*pair, limit - sign * a_hair) >= z * (1 - 1e-9)
        else:
            assert limit == got.estimate


@given(pairs(), own.levels())
def test_limits_solve_the_score_equation(pair, level):
    assert_limits_solve_the_score_equation(pair, level)


@pytest.mark.parametrize("pair", EXTREME)
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999999])
def test_limits_solve_the_score_equation_at_the_extremes(pair, level):
    assert_limits_solve_the_score_equation(pair, level)


def test_the_cell_at_which_a_search_over_d_raises():
    """Report C's Gemma cell, 0/32 against 15/241: statsmodels' score interval raises, ours has the zeros on both sides."""
    got = miettinen_nurminen_interval(0, 32, 15, 241)
    assert (got.low, got.high) == pytest.approx((-0.100224, 0.046110), abs=5e-7)
    assert got.low < got.estimate < 0 < got.high
    assert paper_score(0, 32, 15, 241, got.low) == pytest.approx(1.959964, abs=1e-6)
    assert paper_score(0, 32, 15, 241, got.high) == pytest.approx(-1.959964, abs=1e-6)


@pytest.mark.parametrize(
    ("pair", "printed", "digits"),
    [
        # R package cicalc (GSK), stored output of ci_prop_diff_mn, "matches the values in the paper"
        ((10, 10, 0, 20), (0.7156, 1.0), 4),
        # R package contingencytables (Fagerland, Lydersen, Laake 2017), stored output for Ritland et al. 2007
        ((0, 16, 15, 72), (-0.3164, -0.0056), 4),
        # R > PropCIs::diffscoreci(7, 34, 1, 34, 0.95), as quoted in statsmodels' test_confint_2indep_propcis
        ((7, 34, 1, 34), (0.0270416, 0.3452912), 7),
    ],
)
def test_matches_r_packages(pair, printed, digits):
    got = miettinen_nurminen_interval(*pair)
    assert (round(got.low, digits), round(got.high, digits)) == printed


@given(st.integers(1, 3000), st.integers(1, 3000), own.levels())
def test_nothing_in_either_sample_has_a_closed_form(n1, n2, level):
    """0/n1 against 0/n2: the Wilson limits of each sample at w = z^2 N / (N - 1)."""
    w = scipy.special.ndtri((1 + level) / 2) ** 2 * (n1 + n2) / (n1 + n2 - 1)
    nothing = miettinen_nurminen_interval(0, n1, 0, n2, level=level)
    assert nothing.estimate == 0
    assert (nothing.low, nothing.high) == pytest.approx((-w / (n2 + w), w / (n1 + w)), rel=1e-12)
    everything = miettinen_nurminen_interval(n1, n1, n2, n2, level=level)
    assert (everything.low, everything.high) == pytest.approx((-w / (n1 + w), w / (n2 + w)), rel=1e-12)


@given(st.integers(1, 3000), st.integers(1, 3000), own.levels())
def test_all_against_nothing_ends_at_one(n1, n2, level):
    got = miettinen_nurminen_interval(n1, n1, 0, n2, level=level)
    assert (got.estimate, got.high) == (1.0, 1.0)
    assert got.low < 1


@given(pairs(), own.levels())
def test_law_swapping_the_samples_changes_the_sign(pair, level):
    k1, n1, k2, n2 = pair
    here, there = (miettinen_nurminen_interval(*p, level=level) for p in (pair, (k2, n2, k1, n1)))
    assert (here.estimate, here.low, here.high) == (-there.estimate, -there.high, -there.low)


@given(pairs(), own.levels())
def test_law_swapping_success_and_failure_changes_the_sign(pair, level):
    k1, n1, k2, n2 = pair
    here, there = (miettinen_nurminen_interval(*p, level=level) for p in (pair, (n1 - k1, n1, n2 - k2, n2)))
    assert (here.low, here.high) == pytest.approx((-there.high, -there.low), abs=2e-15)


@given(pairs(), own.levels())
def test_law_stays_in_range_around_the_estimate_and_carries_its_inputs(pair, level):
    got = miettinen_nurminen_interval(*pair, level=level)
    assert -1 <= got.low <= got.estimate <= got.high <= 1
    assert got.low < got.high
    assert (got.successes_1, got.trials_1, got.successes_2, got.trials_2) == pair
    assert (got.level, got.method, got.generalises_to) == (level, "miettinen_nurminen", "these_models")


@given(pairs(), own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(pair, level, other):
    narrow, wide = (miettinen_nurminen_interval(*pair, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(pairs(max_trials=500), st.integers(2, 20))
def test_law_replicating_the_data_narrows(pair, times):
    one, many = miettinen_nurminen_interval(*pair), miettinen_nurminen_interval(*(times * count for count in pair))
    assert many.high - many.low < one.high - one.low


@given(pairs().filter(lambda pair: pair[0] < pair[1]))
def test_law_one_more_success_moves_both_limits_up(pair):
    here, more = miettinen_nurminen_interval(*pair), miettinen_nurminen_interval(pair[0] + 1, *pair[1:])
    assert here.low < more.low
    assert here.high < more.high or more.high == 1


@given(columns_of_pairs(), own.levels())
def test_law_many_pairs_are_each_pair(rows, level):
    many = miettinen_nurminen_intervals(*zip(*rows, strict=True), level=level)
    singles = [miettinen_nurminen_interval(*row, level=level) for row in rows]
    assert many.low == pytest.approx([one.low for one in singles], abs=1e-15)
    assert many.high == pytest.approx([one.high for one in singles], abs=1e-15)
    assert many.estimate.tolist() == [one.estimate for one in singles]
    assert many.method == "miettinen_nurminen"


@given(pairs(max_trials=400), own.levels(), DIFFERENCES)
def test_law_the_interval_holds_what_the_test_does_not_reject(pair, level, d):
    interval = miettinen_nurminen_interval(*pair, level=level)
    assume(min(abs(d - interval.low), abs(d - interval.high)) > 1e-9)
    rejected = miettinen_nurminen_test(*pair, difference=d).p_value < 1 - level
    assert rejected == (not interval.low <= d <= interval.high)


def _score_by_halving(k1, n1, k2, n2, d):
    """A second algorithm: V at the p2 that halving finds on the derivative of the likelihood, for whole columns."""
    low, high = np.maximum(0.0, -d), np.minimum(1.0, 1.0 - d)
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(60):
            p2 = (low + high) / 2
            p1 = p2 + d
            score = sum(
                np.where(k > 0, k / p, 0) - np.where(n > k, (n - k) / (1 - p), 0) for k, n, p in ((k1, n1, p1), (k2, n2, p2))
            )
            low, high = np.where(score > 0, p2, low), np.where(score > 0, high, p2)
    p1 = p2 + d
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    return (k1 / n1 - k2 / n2 - d) / np.sqrt(np.maximum(variance, 1e-300))


def test_differential_miettinen_nurminen():
    """2,500 seeded tables against a search over d with a search over p2 inside."""
    columns = random_columns(2500, seed=20)
    theta = columns[0] / columns[1] - columns[2] / columns[3]
    z = scipy.special.ndtri(0.975)
    got = miettinen_nurminen_intervals(*columns)
    for limit, end, sign in ((got.low, -1.0, 1), (got.high, 1.0, -1)):
        inside, outside = theta.copy(), np.full_like(theta, end)
        for _ in range(45):
            d = (inside + outside) / 2
            accepted = sign * _score_by_halving(*columns, d) < z
            inside, outside = np.where(accepted, d, inside), np.where(accepted, outside, d)
        assert np.abs(limit - inside).max() < 1e-10
    assert np.all(got.low < got.high)


# ---- the test -------------------------------------------------------------------------------------------------------


@given(pairs(max_trials=500))
def test_at_no_difference_it_is_pearsons_chi_squared(pair):
    k1, n1, k2, n2 = pair
    got = miettinen_nurminen_test(*pair)
    if 0 < k1 + k2 < n1 + n2:
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        chi2 = scipy.stats.chi2_contingency(table, correction=False).statistic * (n1 + n2 - 1) / (n1 + n2)
        assert got.z**2 == pytest.approx(chi2, rel=1e-9, abs=1e-12)
        assert got.p_value == pytest.approx(scipy.stats.chi2.sf(chi2, 1), rel=1e-7)
    else:
        assert (got.z, got.p_value) == (0.0, 1.0)


@given(pairs(max_trials=500), DIFFERENCES)
def test_the_statistic_is_that_of_the_paper(pair, d):
    want = paper_score(*pair, d)
    got = miettinen_nurminen_test(*pair, difference=d)
    assert got.z == pytest.approx(want, rel=1e-7, abs=1e-9)
    assert (got.difference, got.alternative, got.generalises_to) == (d, "two-sided", "these_models")
    assert got.estimate == pytest.approx(pair[0] / pair[1] - pair[2] / pair[3], abs=1e-15)


@given(pairs(max_trials=500), st.floats(-0.9, 0.9))
def test_law_tails_belong_together(pair, d):
    k1, n1, k2, n2 = pair
    two, greater, less = (
        miettinen_nurminen_test(*pair, difference=d, alternative=word) for word in ("two-sided", "greater", "less")
    )
    assert greater.p_value + less.p_value == pytest.approx(1, abs=1e-12)
    assert two.p_value == pytest.approx(min(1.0, 2 * min(greater.p_value, less.p_value)), rel=1e-12)
    assert (greater.p_value <= 0.5) if greater.z >= 0 else (greater.p_value >= 0.5)
    swapped = miettinen_nurminen_test(k2, n2, k1, n1, difference=-d, alternative="less")
    assert swapped.p_value == pytest.approx(greater.p_value, rel=1e-9)
    assert (greater.successes_1, greater.trials_1, greater.successes_2, greater.trials_2) == pair


@pytest.mark.parametrize("d", [1e-300, 1e-20, 1e-3, 0.5])
def test_full_and_empty_samples_have_a_statistic_in_closed_form(d):
    """5/5 against 7/7: the likeliest rates are 1 and 1 - d, and 1 - d is 1 to a float long before d is 0."""
    variance = d * (1 - d) * 12 / 11
    for pair, n in (((5, 5, 7, 7), 7), ((0, 5, 0, 7), 5)):
        assert miettinen_nurminen_test(*pair, difference=d).z == pytest.approx(-d / math.sqrt(variance / n), rel=1e-12)


def test_a_probability_too_small_for_a_float_is_not_zero():
    assert 0 < miettinen_nurminen_test(0, 10**6, 10**6, 10**6).p_value < 1e-300


@pytest.mark.parametrize("d", [-1, 1, 5])
def test_refuses_an_impossible_difference(d):
    with pytest.raises(DomainError, match=r"difference must lie strictly between -1 and 1, got .*; 5 percentage points"):
        miettinen_nurminen_test(1, 2, 1, 2, difference=d)


def test_refuses_what_is_no_table():
    with pytest.raises(DomainError, match="successes_2 must not exceed trials_2, got 3 of 2"):
        miettinen_nurminen_interval(1, 2, 3, 2)
    with pytest.raises(DomainError, match="trials_1 must be at least 1, got 0"):
        miettinen_nurminen_interval(0, 0, 1, 2)
    with pytest.raises(DomainError, match="alternative must be one of"):
        miettinen_nurminen_test(1, 2, 1, 2, alternative="larger")
    with pytest.raises(DomainError, match="difference must be finite, got nan"):
        miettinen_nurminen_test(1, 2, 1, 2, difference=math.nan)
    with pytest.raises(DomainError, match="level must lie strictly between 0 and 1"):
        miettinen_nurminen_interval(1, 2, 1, 2, level=95)
