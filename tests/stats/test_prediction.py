"""Prediction intervals for one more model: textbook formulas written apart, quadrature, coverage by simulation."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, meta_regression_slope, prediction_interval
from stats.size_regression_strategies import sized_counts

REPORT_A = [0.8, 1.9, 4.2, 9.0], [486, 615, 789, 1095], [487, 649, 1008, 2019]


def textbook(sizes, rates, at, level):
    """By matrices: x0'b and t s sqrt(1 + x0' (X'X)^-1 x0)."""
    X = np.column_stack([np.ones(len(sizes)), np.log10(sizes)])
    b, *_ = np.linalg.lstsq(X, np.asarray(rates, dtype=float), rcond=None)
    x0, dof = np.array([1.0, math.log10(at)]), len(sizes) - 2
    s2 = np.sum((rates - X @ b) ** 2) / dof
    half = scipy.stats.t.ppf((1 + level) / 2, dof) * math.sqrt(s2 * (1 + x0 @ np.linalg.inv(X.T @ X) @ x0))
    return x0 @ b, x0 @ b - half, x0 @ b + half


def test_differential_prediction_interval():
    """2,000 random cases against the matrix formula."""
    rng = np.random.default_rng(1)
    for _ in range(2000):
        m = int(rng.integers(3, 10))
        sizes, rates = rng.choice(own.MODEL_SIZES, size=m, replace=False), rng.uniform(0, 1, m)
        at, level = float(10 ** rng.uniform(-1, 4)), float(rng.uniform(0.5, 0.99))
        got = prediction_interval(log_scaling_slope(sizes, rates), at, level=level)
        assert (got.estimate, got.low, got.high) == pytest.approx(textbook(sizes, rates, at, level), rel=1e-7, abs=1e-9)


@given(own.sized_rates(), st.sampled_from(own.MODEL_SIZES), st.floats(0.5, 0.9), st.floats(0.91, 0.99))
def test_law_nested_in_level_clipped_inside_and_flagged(data, at, narrow, wide):
    fit = log_scaling_slope(*data)
    assume(fit.standard_error_pp_per_decade is not None)
    inner, outer = (prediction_interval(fit, at, level=level) for level in (narrow, wide))
    assert outer.low < inner.low < inner.estimate < inner.high < outer.high
    assert (inner.low_clipped, inner.high_clipped) == (min(max(inner.low, 0), 1), min(max(inner.high, 0), 1))
    assert inner.leaves_unit_interval == (inner.low < 0 or inner.high > 1)
    assert inner.extrapolates == (at < min(data[0]) or at > max(data[0]))
    assert (inner.of, inner.params_b, inner.level, inner.slope) == ("observed_rate", at, narrow, fit)


@given(own.sized_rates(), st.sampled_from(own.MODEL_SIZES))
def test_law_counting_refusals_instead_mirrors_it(data, at):
    sizes, rates = data
    assume(np.ptp(rates) > 1e-6)
    fit, other = log_scaling_slope(sizes, rates), log_scaling_slope(sizes, [1 - r for r in rates])
    assume(fit.standard_error_pp_per_decade is not None and other.standard_error_pp_per_decade is not None)
    here, there = prediction_interval(fit, at), prediction_interval(other, at)
    assert (1 - there.high, 1 - there.low) == pytest.approx((here.low, here.high), abs=1e-7)


@given(sized_counts(max_models=6))
def test_law_the_true_rate_of_a_new_model_is_less_certain_than_the_line(counts):
    fit = meta_regression_slope(*counts)
    centre = float(10 ** np.mean(np.log10(counts[0])))
    near, far = prediction_interval(fit, centre), prediction_interval(fit, 1000 * centre)
    assert near.low < near.estimate < near.high
    assert near.high - near.low < far.high - far.low
    assert (near.of, near.generalises_to) == ("true_rate", "new_models")


def test_knapp_hartung_prediction_by_matrices():
    for method in ("knapp_hartung", "knapp_hartung_guarded"):
        fit = meta_regression_slope(*REPORT_A, method=method)
        x, y = np.log10(REPORT_A[0]), np.divide(REPORT_A[1], REPORT_A[2])
        tau2 = (fit.tau_pp / 100) ** 2
        X, W = np.column_stack([np.ones(4), x]), np.diag(1 / (np.array(fit.variances) + tau2))
        C = np.linalg.inv(X.T @ W @ X)
        b = C @ X.T @ W @ y
        q = (y - X @ b) @ W @ (y - X @ b) / 2
        x0 = np.array([1.0, math.log10(30.0)])
        inflation = q if method == "knapp_hartung" else max(1, q)
        half = scipy.stats.t.ppf(0.95, 2) * math.sqrt(tau2 + inflation * (x0 @ C @ x0))
        got = prediction_interval(fit, 30, level=0.9)
        assert (got.estimate, got.low, got.high) == pytest.approx((x0 @ b, x0 @ b - half, x0 @ b + half), rel=1e-9)
        assert got.extrapolates


def test_without_sampling_noise_true_and_observed_rates_are_one():
    """The reference prior's prediction becomes the textbook's as the noise vanishes."""
    sizes, k, n = [1, 3, 9, 30, 70], [80, 40, 55, 30, 20], [100] * 5
    got = prediction_interval(meta_regression_slope(sizes, k, n, variances=[1e-13] * 5), 20)
    assert (got.estimate, got.low, got.high) == pytest.approx(textbook(sizes, np.divide(k, n), 20, 0.95), rel=1e-6)


def test_nine_in_ten_new_models_fall_inside():
    rng = np.random.default_rng(2)
    x, inside = np.log10(own.MODEL_SIZES[:8]), 0
    for _ in range(400):
        truth = 0.5 + 0.1 * x + rng.normal(0, 0.05, 8)
        new = 0.5 + 0.1 * math.log10(20) + rng.normal(0, 0.05)
        fit = log_scaling_slope(own.MODEL_SIZES[:8], truth)
        got = prediction_interval(fit, 20, level=0.9)
        inside += got.low <= new <= got.high
    assert 0.85 < inside / 400 < 0.95


@pytest.mark.parametrize(
    ("slope", "at", "error", "message"),
    [
        (
            log_scaling_slope([1, 2, 4], [0.1, 0.4, 0.2]),
            0,
            DomainError,
            "params_b must be positive.*got 0; give the new model's size",
        ),
        (log_scaling_slope([1, 2, 4], [0.1, 0.4, 0.2]), math.inf, DomainError, "params_b must be finite"),
        (log_scaling_slope([1, 2, 4], [0.1, 0.4, 0.2], weights=[1, 2, 3]), 8, DomainError, "slope is weighted"),
        (log_scaling_slope([1, 2, 4], [0.3, 0.3, 0.3]), 8, InsufficientData, "no scatter"),
        (log_scaling_slope([1, 10, 100], [0.3, 0.4, 0.5]), 8, InsufficientData, "lie on the fitted line"),
        (
            meta_regression_slope([1, 2, 4], [0, 0, 0], [9, 9, 9], method="knapp_hartung"),
            8,
            InsufficientData,
            "on the fitted line",
        ),
        (0.3, 8, DomainError, "slope must come from log_scaling_slope or meta_regression_slope, got float"),
    ],
)
def test_refuses(slope, at, error, message):
    with pytest.raises(error, match=message):
        prediction_interval(slope, at)
