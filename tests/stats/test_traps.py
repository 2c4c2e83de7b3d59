"""
The traps into which other people's packages fall, each with the package that does, in one place.

Source of each: the table of section 1 and the figures of sections 3 and 4 of ``shared/reference/statistics.md``. Longer tests of
the same functions stand in the file of each.
"""

import math
import warnings

import numpy as np
import pytest

from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    anova_power,
    clopper_pearson_interval,
    cochran_armitage_test,
    cohen_kappa,
    cohen_kappa_table,
    eta_squared,
    fisher_exact_test,
    gwet_ac1,
    kendall_test,
    krippendorff_alpha,
    log_scaling_slope,
    log_scaling_slopes,
    miettinen_nurminen_interval,
    minimum_detectable_slope,
    odds_ratio,
    ols,
    permutation_test,
    risk_ratio,
    scaling_label,
    slope_power,
    spearman_test,
    two_proportion_power,
    variance_shares_from_f,
    wilson_interval,
)


@pytest.fixture(autouse=True)
def _no_warning_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("n", [1, 7, 12, 1_000, 10**9, 10**15])
def test_wilson_stays_inside_the_unit_interval(n):
    """statsmodels below 0.15 gave -3e-18 and 1.0000000000000002."""
    none, all_ = wilson_interval(0, n), wilson_interval(n, n)
    assert none.low == 0.0
    assert all_.high == 1.0
    assert 0 < none.high < 1
    assert 0 < all_.low < 1
    assert none.high == pytest.approx(1 - all_.low, rel=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(k, n):
    """statsmodels gives nan without a word."""
    with pytest.raises((DomainError, InsufficientData)):
        wilson_interval(k, n)


@pytest.mark.parametrize("level", [0.9, 0.95, 1 - 1e-9, 1 - 1e-12])
def test_clopper_pearson_has_bounds_at_the_ends_and_at_a_tiny_alpha(level):
    """statsmodels: nan at k = 0 and n (#2609), wrong bounds at a tiny alpha (#9141, #9549)."""
    got = clopper_pearson_interval(0, 20, level=level)
    assert got.low == 0.0
    assert got.high == pytest.approx(-math.expm1(math.log((1 - level) / 2) / 20), rel=1e-3 if level > 1 - 1e-11 else 1e-6)


def test_miettinen_nurminen_answers_where_statsmodels_raises():
    """confint_proportions_2indep(method="score"): "f(a) and f(b) must have different signs" on 0/32 against 15/241."""
    got = miettinen_nurminen_interval(0, 32, 15, 241)
    assert got.low == pytest.approx(-0.100, abs=5e-4)
    assert got.high == pytest.approx(0.046, abs=5e-4)


@pytest.mark.parametrize("method", ["koopman", "katz"])
def test_a_risk_ratio_with_a_zero_cell_is_never_nan(method):
    """scipy: (0, nan); statsmodels log: ZeroDivisionError, score: lower bound -3.6e-15; Table2x2 adds 0.5 in silence."""
    got = risk_ratio(0, 32, 15, 241, method=method)
    assert got.estimate == 0.0
    if method == "katz":
        assert (got.low, got.high) == (None, None)
        assert "koopman" in got.undefined_because
    else:
        assert got.low == 0.0
        assert 1 < got.high < 2


def test_the_perfect_order_of_four_models_has_a_p_of_one_in_twelve():
    """scipy and pingouin: p = 0 (and power 1)."""
    got = spearman_test([1, 2, 3, 4], [4, 3, 2, 1])
    assert got.p_value == pytest.approx(1 / 12, rel=1e-14)
    assert got.p_floor == pytest.approx(1 / 12, rel=1e-14)


def test_ten_models_in_perfect_order_have_a_p():
    """R's AS 89: p = 0."""
    assert spearman_test(range(10), range(10)).p_value == pytest.approx(2 / math.factorial(10), rel=1e-12)


def test_tied_ranks_are_counted_and_not_taken_from_student():
    """R warns and uses t: 0.0138 for what is 1/15."""
    got = spearman_test([10, 10, 20, 30, 30], [1, 2, 3, 4, 5])
    assert got.p_value == pytest.approx(1 / 15, rel=1e-13)


def test_two_sided_is_by_the_size_of_rho_and_doubling_has_its_own_name():
    """scipy and R double the smaller tail: 0.2857 for what is 0.2143 where ties make the distribution lopsided."""
    x, y = [1, 1, 1, 1, 2, 3, 4, 4], [1, 1, 1, 1, 2, 3, 3, 3]
    by_size, doubled = spearman_test(x, y), spearman_test(x, y, two_sided="doubled_tail")
    assert by_size.rho == doubled.rho
    assert by_size.p_value < doubled.p_value


def test_a_one_sided_trend_exists():
    """statsmodels has the two-sided one only (#8379)."""
    up = cochran_armitage_test([1, 4, 9], [20, 20, 20], [0, 1, 2], alternative="greater", method="normal").p_value
    both = cochran_armitage_test([1, 4, 9], [20, 20, 20], [0, 1, 2], method="normal").p_value
    assert both == pytest.approx(2 * up, rel=1e-12)


def test_two_sizes_have_no_p():
    """scipy.stats.linregress of two points: p = 0, standard error 0."""
    with pytest.raises(InsufficientData, match="raw_difference_per_decade"):
        log_scaling_slope([7, 70], [0.1, 0.3])


def test_equal_rates_have_no_p_of_nearly_one():
    """linregress says .99999 for a constant response (gh-25339)."""
    assert log_scaling_slope([1, 7, 70], [0.3, 0.3, 0.3]).p_value is None


def test_sizes_far_from_zero_keep_their_slope():
    """The one-pass formula gives -inf for x shifted far."""
    sizes = 1e300 * np.array([1.0, 1.001, 1.002, 1.003])
    rates = np.array([0.1, 0.2, 0.3, 0.4])
    one = log_scaling_slope(sizes, rates).slope_pp_per_decade
    many = log_scaling_slopes(sizes, rates, np.zeros(4, dtype=np.int64)).slope_pp_per_decade[0]
    x = np.log10([1.0, 1.001, 1.002, 1.003])
    exact = 100 * np.sum((x - x.mean()) * rates) / np.sum((x - x.mean()) ** 2)
    assert one == pytest.approx(exact, rel=1e-8)
    assert many == pytest.approx(exact, rel=1e-8)


def test_a_design_without_rank_is_refused():
    """A pseudo-inverse gives Filip and every collinear design an answer without one correct digit."""
    with pytest.raises(DomainError, match="combination"):
        ols([[1, 1, 2], [1, 2, 4], [1, 3, 6], [1, 4, 8]], [1, 2, 3, 5])


def test_the_share_of_variance_has_its_correction_and_an_interval_that_is_not_zero_to_zero():
    """effectsize 0.8.3 prints [0, 0] around .23 and .22; raw eta squared is sold as large."""
    got = variance_shares_from_f(1.53969, 11, 9)
    assert got.eta_squared == pytest.approx(0.653, abs=5e-4)
    assert got.epsilon_squared == pytest.approx(0.2289, abs=5e-4)
    assert got.omega_squared == pytest.approx(0.2204, abs=5e-4)
    assert got.null_expectation == pytest.approx(0.55, rel=1e-12)


def test_eta_squared_of_21_models_over_12_providers_is_55_per_cent_by_chance():
    """The "57.5x" of report 164: E[eta2] = (k - 1) / (n - 1) under any shuffling of the labels."""
    groups = [i % 12 for i in range(21)]
    rates = np.random.default_rng(1).random(21)
    assert eta_squared(rates, groups, resamples=199).null_expectation == pytest.approx(11 / 20, rel=1e-14)


def test_one_label_only_is_no_agreement_and_no_nan():
    """statsmodels: nan; scikit-learn: 0 by decree."""
    assert cohen_kappa(["a", "a", "a"], ["a", "a", "a"], categories=["a", "b"]).kappa is None


def test_the_ordinal_alpha_of_hayes_and_krippendorff_is_not_that_of_nltk():
    """NLTK: 0.206 for a weighted distance that should be near .7598; here its law: reversing the order changes nothing."""
    ratings = [[1, 1, None, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4], [1, 1, 2, 1]]
    there = [[None if r is None else 5 - r for r in unit] for unit in ratings]
    one = krippendorff_alpha(ratings, metric="ordinal", categories=[1, 2, 3, 4], resamples=199).alpha
    other = krippendorff_alpha(there, metric="ordinal", categories=[1, 2, 3, 4], resamples=199).alpha
    assert one == pytest.approx(other, rel=1e-12)
    assert one > krippendorff_alpha(ratings, metric="nominal", categories=[1, 2, 3, 4], resamples=199).alpha


def test_a_permutation_p_is_never_zero():
    """scipy before 1.8 divided by m instead of m + 1 (gh-16459)."""
    values = np.arange(30.0)
    got = permutation_test(values, lambda v: v @ np.arange(30.0), resamples=99, rng=1)
    assert got.p_value >= 1 / 100


def test_anova_power_has_its_degrees_of_freedom_the_right_way_round():
    """statsmodels FTestPower: 0.052 for what is 0.564 (df_num and df_denom swapped)."""
    weak = anova_power([2] * 9 + [1] * 3, icc=0.2).power
    strong = anova_power([2] * 9 + [1] * 3, icc=0.6).power
    assert weak == pytest.approx(0.125, abs=0.02)
    assert strong == pytest.approx(0.57, abs=0.04)


@pytest.mark.parametrize("models", [3, 4, 8, 21, 60, 1_000])
@pytest.mark.parametrize("slope", [0.01, 1.0, 10.0, 80.0])
def test_power_is_a_number_over_the_whole_grid(models, slope):
    """scipy.stats.nct.cdf is nan on 13.4 % of a plain grid of (n, noncentrality) (gh-25106, gh-25470)."""
    got = slope_power(models, slope_pp_per_decade=slope, size_sd_decades=0.5, residual_sd=0.1).power
    assert 0.05 - 1e-9 <= got <= 1


def test_the_detectable_slope_of_report_164_is_not_two_pp_at_21_models():
    """ "2-3 pp per doubling needs 60+ models": with the slope's own standard error, 21 models detect 3.8."""
    sizes = np.logspace(0, 2, 21)
    got = minimum_detectable_slope(sizes, residual_sd=0.1)
    assert slope_power(
        21, slope_pp_per_decade=got.slope_pp_per_decade, size_sd_decades=float(np.log10(sizes).std()), residual_sd=0.1
    ).power == pytest.approx(0.8, abs=5e-3)


def test_the_label_of_a_raw_difference_is_per_decade_and_not_the_difference():
    """Report C read +6.2 pp over .829 decades as "+2-6 pp per decade" and so as flat."""
    assert scaling_label(6.2 / 0.829) == "INVERSE_SCALING"


@pytest.mark.parametrize("method", ["conditional"])
def test_an_odds_ratio_with_an_empty_cell_keeps_one_finite_bound(method):
    """Adding 0.5 to each cell in silence, as Table2x2 does, invents an estimate."""
    got = odds_ratio(0, 32, 15, 241, method=method)
    assert got.low == 0.0
    assert 0 < got.high < math.inf


def test_fisher_of_the_cell_that_a_report_called_a_trend():
    """Gemma, 0/32 against 15/241: p = .23, not a trend."""
    assert fisher_exact_test(0, 32, 15, 241).p_value == pytest.approx(0.23, abs=0.005)


def test_kendall_with_ties_is_not_taken_from_the_table_without():
    """The exact table without ties is wrong for ties."""
    got = kendall_test([1, 1, 2, 3], [1, 2, 3, 4])
    assert 1 / 24 < got.p_value <= 1


def test_gwet_does_not_collapse_where_kappa_does():
    """The paradox: 118 + 2 agreements of 125 give a kappa near 0 and an AC1 near the agreement."""
    table = [[118, 5], [2, 0]]
    pairs = [(i, j) for i in range(2) for j in range(2) for _ in range(table[i][j])]
    assert gwet_ac1([list(p) for p in pairs], categories=[0, 1]).coefficient > 0.9
    assert cohen_kappa_table(table).kappa < 0.05


def test_power_of_two_proportions_counts_the_test_that_is_used():
    """The normal approximation promises power that Fisher's test does not have."""
    exact = two_proportion_power(0.05, 0.20, 40, 40, test="fisher").power
    assert 0 < exact < 0.55
