"""Binomial and quasi-binomial logit lines: the score equations put back, scipy's optimiser, refusals in words."""

import math
import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import binomial_regression
from safescale.stats._beta_binomial import binomial_fit, binomial_terms
from stats.size_regression_strategies import overlap, overlapping_counts, sized_counts

REPORT_A = [0.8, 1.9, 4.2, 9.0], [486, 615, 789, 1095], [487, 649, 1008, 2019]


def fitted(fit):
    return scipy.special.expit(fit.intercept_logit_at_1b + fit.slope_logit_per_decade * np.log10(fit.params_b))


def test_report_a_as_statistics_md_recomputed_it():
    """z = -21.8, Pearson dispersion 5.0 on 2 degrees of freedom, quasi-binomial p .010."""
    binomial, quasi = (binomial_regression(*REPORT_A, dispersion=d) for d in ("binomial", "quasi"))
    assert f"{binomial.statistic:.1f} {binomial.pearson_dispersion:.1f} {binomial.residual_dof}" == "-21.8 5.0 2"
    assert f"{quasi.p_value:.3f}" == "0.010"
    assert (binomial.generalises_to, quasi.generalises_to) == ("these_models", "new_models")
    assert "these models only" in binomial.caveat
    assert "shrink with their trials" in quasi.caveat
    assert quasi.pearson_dispersion == binomial.pearson_dispersion
    assert quasi.slope_logit_per_decade == binomial.slope_logit_per_decade


@given(overlapping_counts())
def test_law_the_fit_solves_the_score_equations(counts):
    fit = binomial_regression(*counts)
    x, k, n, mu = np.log10(fit.params_b), np.array(fit.successes), np.array(fit.trials), fitted(fit)
    # 1 - mu would lose the digits of a rate next to 1
    nu = scipy.special.expit(-fit.intercept_logit_at_1b - fit.slope_logit_per_decade * x)
    residual = np.where(mu < 0.5, k - n * mu, n * nu - (n - k))
    assert residual.sum() == pytest.approx(0, abs=1e-6 * n.sum())
    assert residual @ x == pytest.approx(0, abs=1e-6 * (n @ np.abs(x) + 1))
    weights = n * mu * nu
    about = x - weights @ x / weights.sum()
    assert fit.standard_error_logit_per_decade == pytest.approx((weights @ about**2) ** -0.5, rel=1e-5)
    assert fit.pearson == pytest.approx(np.sum(residual**2 / weights), rel=1e-4, abs=1e-9)
    z = fit.slope_logit_per_decade / fit.standard_error_logit_per_decade
    assert fit.p_value == pytest.approx(max(2 * scipy.stats.norm.sf(abs(z)), 2.3e-308), rel=1e-6)


@given(overlapping_counts())
def test_law_quasi_scales_by_the_pearson_dispersion_and_uses_t(counts):
    binomial, quasi = (binomial_regression(*counts, dispersion=d, level=0.9) for d in ("binomial", "quasi"))
    if quasi.undefined_because is not None:
        assert binomial.pearson <= 1e-18
        assert (quasi.p_value, quasi.interval_logit_per_decade, quasi.statistic) == (None, None, None)
        return
    se = binomial.standard_error_logit_per_decade * math.sqrt(binomial.pearson / binomial.residual_dof)
    assert quasi.standard_error_logit_per_decade == pytest.approx(se, rel=1e-9)
    half = scipy.stats.t.ppf(0.95, binomial.residual_dof) * se
    b = binomial.slope_logit_per_decade
    assert quasi.interval_logit_per_decade == pytest.approx((b - half, b + half), rel=1e-7, abs=1e-9)
    assert quasi.p_value == pytest.approx(max(2 * scipy.stats.t.sf(abs(b / se), binomial.residual_dof), 2.3e-308), rel=1e-5)


@given(overlapping_counts())
def test_law_counting_failures_instead_turns_the_sign(counts):
    sizes, k, n = counts
    here, there = binomial_regression(sizes, k, n), binomial_regression(sizes, [b - a for a, b in zip(k, n, strict=True)], n)
    assert there.slope_logit_per_decade == pytest.approx(-here.slope_logit_per_decade, rel=1e-6, abs=1e-7)
    assert there.average_marginal_effect_pp_per_decade == pytest.approx(
        -here.average_marginal_effect_pp_per_decade, rel=1e-6, abs=1e-7
    )
    assert there.p_value == pytest.approx(here.p_value, rel=1e-4)


@given(overlapping_counts(max_trials=60), st.integers(2, 5))
def test_law_replicating_traces_narrows_binomial_but_not_quasi(counts, times):
    """Ten times the traces of the same models is no evidence on size, and quasi-binomial knows."""
    sizes, k, n = counts
    more = sizes, [times * a for a in k], [times * b for b in n]
    assert binomial_regression(*more).standard_error_logit_per_decade == pytest.approx(
        binomial_regression(*counts).standard_error_logit_per_decade / math.sqrt(times), rel=1e-5
    )
    here, there = binomial_regression(*counts, dispersion="quasi"), binomial_regression(*more, dispersion="quasi")
    if here.undefined_because is None and there.undefined_because is None and here.pearson > 1e-6:
        assert there.p_value == pytest.approx(here.p_value, rel=1e-4)


@given(sized_counts(max_trials=40))
def test_law_separated_counts_are_refused_and_no_others(counts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if overlap(*counts):
            assert math.isfinite(binomial_regression(*counts).slope_logit_per_decade)
        else:
            with pytest.raises(InsufficientData, match=r"is a success in any of the|separated by size"):
                binomial_regression(*counts)


def test_average_marginal_effect_is_the_mean_slope_of_the_rates_and_its_error_by_differences():
    fit = binomial_regression(*REPORT_A)
    x, n = np.log10(REPORT_A[0]), np.array(REPORT_A[2])

    def effect(a, b):
        return np.mean([(scipy.special.expit(a + b * (s + 1e-6)) - scipy.special.expit(a + b * (s - 1e-6))) / 2e-6 for s in x])

    a, b = fit.intercept_logit_at_1b, fit.slope_logit_per_decade
    assert fit.average_marginal_effect_pp_per_decade == pytest.approx(100 * effect(a, b), rel=1e-7)
    gradient = np.array(
        [(effect(a + h, b) - effect(a - h, b)) / 2e-4 for h in [1e-4]] + [(effect(a, b + 1e-4) - effect(a, b - 1e-4)) / 2e-4]
    )
    mu = fitted(fit)
    X = np.column_stack([np.ones(4), x])
    covariance = np.linalg.inv(X.T @ (X * (n * mu * (1 - mu))[:, None]))
    half = 1.959963985 * 100 * math.sqrt(gradient @ covariance @ gradient)
    low, high = fit.average_marginal_effect_interval
    assert (high - low) / 2 == pytest.approx(half, rel=1e-4)
    assert (high + low) / 2 == pytest.approx(fit.average_marginal_effect_pp_per_decade, rel=1e-12)


def test_differential_binomial_regression():
    """2,000 random cases against textbook reweighted least squares, each step an lstsq on the working response."""
    rng = np.random.default_rng(1)
    compared = 0
    for _ in range(2200):
        m = int(rng.integers(3, 9))
        sizes = rng.choice(own.MODEL_SIZES, size=m, replace=False)
        n = rng.integers(1, 300, m)
        k = rng.binomial(n, rng.uniform(0.02, 0.98, m))
        if not overlap(sizes.tolist(), k.tolist(), n.tolist()):
            continue
        x = np.log10(sizes)
        X = np.column_stack([np.ones(m), x])
        beta = np.zeros(2)
        for _ in range(60):
            mu = scipy.special.expit(X @ beta)
            w = np.maximum(n * mu * (1 - mu), 1e-12)
            step = np.linalg.lstsq(X * np.sqrt(w)[:, None], (k - n * mu) / np.sqrt(w), rcond=None)[0]
            beta = beta + np.clip(step, -1.0, 1.0)
            if np.abs(step).max() < 1e-12:
                break
        mu = scipy.special.expit(X @ beta)
        se = math.sqrt(np.linalg.inv(X.T @ (X * (n * mu * (1 - mu))[:, None]))[1, 1])
        fit = binomial_regression(sizes, k, n)
        assert (fit.intercept_logit_at_1b, fit.slope_logit_per_decade) == pytest.approx(tuple(beta), rel=1e-5, abs=1e-6)
        assert fit.standard_error_logit_per_decade == pytest.approx(se, rel=1e-5)
        compared += 1
    assert compared >= 2000


def test_many_data_sets_at_once_are_each_data_set():
    rng = np.random.default_rng(2)
    x = np.log10(own.MODEL_SIZES[:6])
    design = np.column_stack([np.ones(6), x])
    k = rng.binomial(50, 0.3, size=(4, 6)).astype(float)
    together = binomial_fit(design, np.zeros(6), k, np.full(6, 50.0))
    for one, row in zip(together, k, strict=True):
        assert one == pytest.approx(binomial_fit(design, np.zeros(6), row, np.full(6, 50.0)), rel=1e-9)


def test_binomial_terms_lose_nothing_far_out():
    assert binomial_terms(np.array([40.0, -800.0]), np.array([1.0, 0.0]), np.array([1.0, 3.0])) == pytest.approx(
        [-math.exp(-40), 0.0], rel=1e-12
    )


@pytest.mark.parametrize("dispersion", ["binomial", "quasi"])
def test_counts_on_a_logit_line_leave_quasi_without_a_scale(dispersion):
    """9/10, 5/10, 1/10 along three decades lie exactly on a logit line."""
    fit = binomial_regression([1, 10, 100], [9, 5, 1], [10, 10, 10], dispersion=dispersion)
    assert fit.slope_logit_per_decade == pytest.approx(-math.log(9), rel=1e-9)
    assert fit.deviance == pytest.approx(0, abs=1e-12)
    if dispersion == "quasi":
        assert (fit.p_value, fit.standard_error_logit_per_decade, fit.average_marginal_effect_interval) == (None, None, None)
        assert "dispersion is 0" in fit.undefined_because
    else:
        assert fit.undefined_because is None
        assert fit.p_value == pytest.approx(2 * scipy.stats.norm.sf(math.log(9) / math.sqrt(1 / 1.8)), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"successes": [0, 0, 0, 0]}, InsufficientData, "no trial is a success in any of the 4 models"),
        ({"successes": [8, 8, 8, 8]}, InsufficientData, "every trial is a success in any of the 4 models"),
        ({"successes": [0, 0, 8, 8]}, InsufficientData, "separated by size"),
        ({"successes": [8, 3, 0, 0]}, InsufficientData, "separated by size"),
        ({"params_b": [1, 2, 2, 1]}, InsufficientData, "at least 3 distinct sizes, got 2"),
        ({"params_b": [1, 2, 3]}, DomainError, "same length, got 3 and 4"),
        ({"successes": [1, 2, 3, 9]}, DomainError, "got 9 of 8 at position 3"),
        ({"dispersion": "beta"}, DomainError, "dispersion must be one of 'binomial', 'quasi'"),
        ({"level": 0}, DomainError, "level must lie strictly between 0 and 1"),
    ],
)
def test_refuses(change, error, message):
    arguments = {"params_b": [1, 2, 3, 4], "successes": [1, 2, 3, 2], "trials": [8] * 4} | change
    with pytest.raises(error, match=message):
        binomial_regression(**arguments)
