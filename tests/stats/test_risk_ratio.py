"""Ratios of two proportions: Koopman's and Katz's intervals, and what they say where a sample is empty or full."""

import math
from itertools import product

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import risk_ratio, risk_ratio_intervals
from stats.two_sample_strategies import columns_of_pairs, pairs, random_columns

SOME_SUCCESS = pairs().filter(lambda pair: pair[0] + pair[2] > 0)


def nam_rates(k1, n1, k2, n2, ratio):
    """
    The most likely rates under p1 = ratio p2, from the quadratic in p2 of Nam (1995), for scalars or columns.

    ``b^2 - 4 (n1 + n2) ratio (k1 + k2)`` is written as a sum of two terms that are not negative: full samples and a ratio near 1
    leave no digits in the difference, and p2 came out above 1.
    """
    one, other = (n1 + k2) * ratio, k1 + n2
    root = np.sqrt((one - other) ** 2 + 4.0 * ratio * (n1 - k1) * (n2 - k2))
    p2 = np.minimum(2 * (k1 + k2) / (one + other + root), 1.0)
    return np.minimum(ratio * p2, 1.0), p2


def koopman_statistic(k1, n1, k2, n2, ratio):
    """The paper's chi-squared; 0/0 of a sample at its edge counts as 0."""
    p1, p2 = nam_rates(k1, n1, k2, n2, ratio)
    total = 0.0
    for k, n, p in ((k1, n1, p1), (k2, n2, p2)):
        q = 1.0 - p
        with np.errstate(divide="ignore", invalid="ignore"):
            total = total + np.where((p > 0) & (q > 1e-15), (k - n * p) ** 2 / (n * p * q), 0.0)
    return total


@given(pairs(max_trials=300), st.floats(0.01, 100))
@example((1, 1, 1, 1), 0.99999)
def test_the_quadratic_is_the_top_of_the_likelihood(pair, ratio):
    """The closed form that the definition below rests on, against every rate on a fine grid."""
    k1, n1, k2, n2 = pair

    def log_likelihood(p1, p2):
        parts = ((k1, p1), (n1 - k1, 1 - p1), (k2, p2), (n2 - k2, 1 - p2))
        return sum(scipy.special.xlogy(k, np.maximum(p, 0.0)) for k, p in parts)

    grid = np.linspace(0, min(1.0, 1 / ratio), 2001)
    p1, p2 = nam_rates(*pair, ratio)
    assert p1 == pytest.approx(ratio * p2, rel=1e-12)
    # a rate of 1 that rounds to just below is as good
    assert max(log_likelihood(p1, p2), log_likelihood(p1, p2 - 1e-14)) >= log_likelihood(ratio * grid, grid).max() - 1e-6


@given(SOME_SUCCESS, own.levels())
def test_koopman_limits_solve_the_score_equation(pair, level):
    """Put the answer back in: just inside the limits the test does not reject, just outside it does."""
    z2 = scipy.special.ndtri((1 + level) / 2) ** 2
    got = risk_ratio(*pair, level=level)
    for limit, sign in ((got.low, 1), (got.high, -1)):
        if limit:
            assert koopman_statistic(*pair, limit * (1 + sign * 1e-9)) <= z2 * (1 + 1e-6)
            assert koopman_statistic(*pair, limit * (1 - sign * 1e-9)) >= z2 * (1 - 1e-6)


def test_koopman_matches_nam():
    """Nam (1995), Biometrical J. 37, 235-246: 36/40 against 16/80, printed [2.940, 7.152]."""
    got = risk_ratio(36, 40, 16, 80)
    assert (got.estimate, round(got.low, 3), round(got.high, 3)) == (4.5, 2.940, 7.152)
    assert (got.method, got.undefined_because, got.generalises_to) == ("koopman", None, "these_models")


@pytest.mark.parametrize(
    ("method", "printed"),
    [
        # R package contingencytables (Fagerland, Lydersen, Laake 2017), stored outputs for Perondi et al. 2004, 7/34 and 1/34
        ("koopman", (1.2209, 42.5757)),
        ("katz", (0.9096, 53.8695)),
    ],
)
def test_matches_contingencytables(method, printed):
    got = risk_ratio(7, 34, 1, 34, method=method)
    assert (got.estimate, round(got.low, 4), round(got.high, 4)) == (7.0, *printed)


def test_katz_matches_the_example_of_scipy():
    got = risk_ratio(10, 75, 12, 225, method="katz")
    assert (got.estimate, round(got.low, 5), round(got.high, 5)) == (2.5, 1.12616, 5.54985)


def test_the_ratio_that_was_published_without_an_interval():
    """
    Report B's 4.3x, 38.8 % of 247 against 12 of 133.

    The score interval [2.51, 7.58] of statistics.md, section 4, is Miettinen and Nurminen's, with the factor N/(N-1);
    Koopman's, without it, ends at 7.57.
    """
    katz, koopman = (risk_ratio(96, 247, 12, 133, method=method) for method in ("katz", "koopman"))
    assert f"{katz.estimate:.1f} [{katz.low:.2f}, {katz.high:.2f}]" == "4.3 [2.46, 7.56]"
    assert f"{koopman.estimate:.1f} [{koopman.low:.2f}, {koopman.high:.2f}]" == "4.3 [2.51, 7.57]"


@given(SOME_SUCCESS, own.levels(), st.sampled_from(["koopman", "katz"]))
def test_law_swapping_the_samples_inverts_the_interval(pair, level, method):
    k1, n1, k2, n2 = pair
    here, there = risk_ratio(*pair, level=level, method=method), risk_ratio(k2, n2, k1, n1, level=level, method=method)
    for a, b in ((here.estimate, there.estimate), (here.low, there.high), (here.high, there.low)):
        if a and b:
            assert a * b == pytest.approx(1, rel=1e-14)
        else:
            assert (a, b) in [(None, 0.0), (0.0, None), (None, None)]


@given(pairs(), own.levels(), st.sampled_from(["koopman", "katz"]))
def test_law_ordered_never_nan_and_none_has_a_reason(pair, level, method):
    got = risk_ratio(*pair, level=level, method=method)
    known = [number for number in (got.low, got.estimate, got.high) if number is not None]
    assert all(math.isfinite(number) and number >= 0 for number in known)
    assert known == sorted(known)
    assert (len(known) < 3) == (got.undefined_because is not None)
    assert (got.estimate is None) == (pair[2] == 0)
    assert (got.successes_1, got.trials_1, got.successes_2, got.trials_2) == pair
    assert (got.level, got.method) == (level, method)
    if got.low is not None and got.high is not None:
        assert got.low < got.high


@given(SOME_SUCCESS, own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(pair, level, other):
    narrow, wide = (risk_ratio(*pair, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low
    assert narrow.high is None or narrow.high <= wide.high * (1 + 1e-15)


@given(SOME_SUCCESS, st.integers(2, 20))
def test_law_replicating_the_data_narrows(pair, times):
    one, many = risk_ratio(*pair), risk_ratio(*(times * count for count in pair))
    assert many.low > one.low or one.low == 0
    assert one.high is None or many.high < one.high


@given(pairs().filter(lambda pair: pair[0] < pair[1] and pair[2] > 0))
def test_law_one_more_success_in_the_first_sample_moves_both_limits_up(pair):
    here, more = risk_ratio(*pair), risk_ratio(pair[0] + 1, *pair[1:])
    assert here.low < more.low
    assert here.high < more.high


@given(pairs(max_trials=400), own.levels())
def test_law_excludes_one_exactly_where_pearsons_test_rejects(pair, level):
    k1, n1, k2, n2 = pair
    if not 0 < k1 + k2 < n1 + n2:
        return
    chi2 = scipy.stats.chi2_contingency([[k1, n1 - k1], [k2, n2 - k2]], correction=False).statistic
    z2 = scipy.special.ndtri((1 + level) / 2) ** 2
    if abs(chi2 - z2) > 1e-6 * z2:
        got = risk_ratio(*pair, level=level)
        assert (got.low > 1 or (got.high is not None and got.high < 1)) == (chi2 > z2)


@given(columns_of_pairs(), own.levels(), st.sampled_from(["koopman", "katz"]))
def test_law_many_pairs_are_each_pair(rows, level, method):
    rows = [row for row in rows if risk_ratio(*row, method=method).low is not None and row[0] + row[2] > 0]
    if rows:
        many = risk_ratio_intervals(*zip(*rows, strict=True), level=level, method=method)
        singles = [risk_ratio(*row, level=level, method=method) for row in rows]
        assert many.low == pytest.approx([one.low for one in singles], rel=1e-14)
        assert many.high == pytest.approx([math.inf if one.high is None else one.high for one in singles], rel=1e-14)
        assert many.estimate.tolist() == [math.inf if one.estimate is None else one.estimate for one in singles]
        assert (many.level, many.method) == (level, method)


def test_differential_risk_ratio():
    """2,500 seeded tables: Koopman against a search over log ratios with Nam's quadratic, Katz against scipy."""
    k1, n1, k2, n2 = (column for column in random_columns(2500, seed=22))
    keep = k1 + k2 > 0
    k1, n1, k2, n2 = k1[keep], n1[keep], k2[keep], n2[keep]
    assert len(k1) > 2000
    got = risk_ratio_intervals(k1, n1, k2, n2)
    z2 = scipy.special.ndtri(0.975) ** 2
    with np.errstate(divide="ignore"):
        estimate = np.log(k1 / n1) - np.log(k2 / n2)
    for limit, end, infinite in ((got.low, -40.0, k1 == 0), (got.high, 40.0, k2 == 0)):
        inside, outside = np.clip(estimate, -40, 40), np.full(len(k1), end)
        for _ in range(60):
            middle = (inside + outside) / 2
            accepted = koopman_statistic(k1, n1, k2, n2, np.exp(middle)) < z2
            inside, outside = np.where(accepted, middle, inside), np.where(accepted, outside, middle)
        assert np.abs(np.log(limit[~infinite]) - inside[~infinite]).max() < 1e-8
        assert np.all(limit[infinite] == (0 if end < 0 else math.inf))
        assert infinite.sum() > 100
    positive = (k1 > 0) & (k2 > 0) & ~((k1 == n1) & (k2 == n2))
    columns = [column[positive] for column in (k1, n1, k2, n2)]
    katz = risk_ratio_intervals(*columns, method="katz")
    for at, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        other = scipy.stats.contingency.relative_risk(*row)
        low, high = other.confidence_interval()
        assert katz.estimate[at] == pytest.approx(other.relative_risk, rel=1e-13)
        assert (katz.low[at], katz.high[at]) == pytest.approx((low, high), rel=1e-11)


# ---- empty and full samples -----------------------------------------------------------------------------------------


def test_every_small_table_is_answered():
    """All tables up to 4 against 4: no NaN, no error, None only with a reason, and Katz defers to Koopman by name."""
    seen = set()
    for n1, n2 in product(range(1, 5), repeat=2):
        for k1, k2 in product(range(n1 + 1), range(n2 + 1)):
            koopman, katz = (risk_ratio(k1, n1, k2, n2, method=method) for method in ("koopman", "katz"))
            assert koopman.low is not None
            assert (koopman.low == 0) == (k1 == 0)
            assert (koopman.high is None) == (k2 == 0)
            assert koopman.high is None or koopman.low < koopman.high
            none = k1 == 0 or k2 == 0 or (k1 == n1 and k2 == n2)
            assert (katz.low is None) == (katz.high is None) == none
            seen.add((koopman.undefined_because, katz.undefined_because))
    assert len(seen) == 5


def test_where_peers_print_nan_or_raise():
    """scipy says (0, nan) for Katz at 0/32 and 15/241; ours says that Katz has no interval, and Koopman's is [0, 1.76]."""
    assert math.isnan(scipy.stats.contingency.relative_risk(0, 32, 15, 241).confidence_interval().high)
    katz, koopman = risk_ratio(0, 32, 15, 241, method="katz"), risk_ratio(0, 32, 15, 241)
    assert (katz.estimate, katz.low, katz.high) == (0.0, None, None)
    assert katz.undefined_because == (
        "Katz's standard error needs a success in both samples, and the first has none; use method='koopman'"
    )
    assert (koopman.estimate, koopman.low, round(koopman.high, 2)) == (0.0, 0.0, 1.76)
    assert koopman.undefined_because is None


def test_nothing_is_added_to_a_zero():
    """With one half added to each count, as is done in silence elsewhere, the estimate would be 0.24."""
    assert risk_ratio(0, 32, 15, 241).estimate == 0.0
    assert risk_ratio(15, 241, 0, 32).estimate is None


@pytest.mark.parametrize(
    ("pair", "method", "reason"),
    [
        ((0, 5, 0, 9), "koopman", "neither sample has a success, so every ratio is compatible"),
        ((0, 5, 0, 9), "katz", "neither sample has a success, so every ratio is compatible"),
        ((3, 5, 0, 9), "koopman", "the second sample has no success, so the ratio has no finite estimate and no upper limit"),
        ((3, 5, 0, 9), "katz", "needs a success in both samples, and the second has none; use method='koopman'"),
        ((5, 5, 9, 9), "katz", "every trial succeeded, which leaves Katz's interval no standard error; use method='koopman'"),
    ],
)
def test_reasons(pair, method, reason):
    got = risk_ratio(*pair, method=method)
    assert reason in got.undefined_because
    assert got.high is None


@given(st.integers(1, 3000), st.integers(1, 3000), own.levels())
def test_closed_forms_at_the_edges(n1, n2, level):
    """Full against full: the Wilson limits of each; nothing against full: chi-squared = m with m = z^2."""
    z2 = scipy.special.ndtri((1 + level) / 2) ** 2
    full = risk_ratio(n1, n1, n2, n2, level=level)
    assert (full.low, full.high) == pytest.approx((n1 / (n1 + z2), (n2 + z2) / n2), rel=1e-12)
    nothing = risk_ratio(0, n1, n2, n2, level=level)
    assert (nothing.low, nothing.estimate) == (0, 0)
    # below m = n2 the full sample stays full
    expected = z2 / (n1 + min(z2, n2))
    assert nothing.high == pytest.approx(expected, rel=1e-10)


def test_huge_counts_keep_their_digits():
    got = risk_ratio(3, 10**9, 2, 10**9)
    few = risk_ratio(3, 10**5, 2, 10**5)
    assert (got.low, got.high) == pytest.approx((few.low, few.high), rel=1e-3)
    many = risk_ratio(10**9 - 1, 10**9, 10**9 - 3, 10**9)
    assert 0 < 1 - many.low < 1e-8
    assert 0 < many.high - 1 < 1e-7


# ---- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "method", "message"),
    [
        (([1, 0], [5, 5], [1, 0], [5, 5]), "koopman", "no interval at position 1: neither sample has a success"),
        (([1, 0], [5, 5], [1, 2], [5, 5]), "katz", "no interval at position 1: .*the first has none; use method='koopman'"),
        (([2, 1], [5, 5], [0, 1], [5, 5]), "katz", "no interval at position 0: .*the second has none"),
        (([1, 1, 5], [5, 5, 5], [1, 1, 4], [5, 5, 4]), "katz", "position 2: every trial succeeded.*; leave the pair out"),
    ],
)
def test_columns_refuse_what_has_no_interval(columns, method, message):
    with pytest.raises(DomainError, match=message):
        risk_ratio_intervals(*columns, method=method)


@pytest.mark.parametrize("function", [risk_ratio, lambda *pair, **keywords: risk_ratio_intervals(*([k] for k in pair), **keywords)])
def test_refuses_an_unknown_method_and_a_percent_level(function):
    with pytest.raises(DomainError, match="method must be one of 'koopman', 'katz', got 'wald'"):
        function(1, 2, 1, 2, method="wald")
    with pytest.raises(DomainError, match="level must lie strictly between 0 and 1, got 95"):
        function(1, 2, 1, 2, level=95)


def test_refuses_what_is_no_table():
    with pytest.raises(DomainError, match="successes_1 must not exceed trials_1, got 3 of 2"):
        risk_ratio(3, 2, 1, 2)
    with pytest.raises(DomainError, match="successes_2 must be a whole number"):
        risk_ratio(1, 2, 0.5, 2)
