"""Spread between models of one size: the meta-regression's tau, chi squared where no noise is known, and what a pilot is worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, meta_regression_slope, spread_between_models

SIZES = [0.5, 1, 2, 4, 8, 16, 32, 70]


@given(st.lists(st.integers(0, 200), min_size=8, max_size=8), st.floats(1e-5, 0.01))
def test_second_opinion_meta_regression_has_the_same_tau(successes: list[int], variance: float) -> None:
    variances = [variance * (1 + i) for i in range(8)]
    other = meta_regression_slope(SIZES, successes, [200] * 8, variances=variances)
    found = spread_between_models(SIZES, [k / 200 for k in successes], variances)
    assert found.tau_pp == pytest.approx(other.tau_pp, abs=1e-6)
    assert (found.interval_pp is None) == (other.tau_interval_pp is None)
    if found.interval_pp is not None:
        assert found.interval_pp == pytest.approx(other.tau_interval_pp, abs=1e-6)


def test_definition_without_sampling_noise_it_is_the_residual_standard_deviation() -> None:
    """Unknown noise: the residual SD of the line with its chi-squared interval."""
    rates = [0.30, 0.42, 0.28, 0.39, 0.35, 0.31, 0.44, 0.36]
    found = spread_between_models(SIZES, rates, [0.0] * 8)
    fit = log_scaling_slope(SIZES, rates)
    assert fit.standard_error_pp_per_decade is not None
    spread = float(np.log10(SIZES).std()) * math.sqrt(8)
    assert found.tau_pp == pytest.approx(fit.standard_error_pp_per_decade * spread)
    assert found.tau_pp == found.residual_sd_pp
    assert found.interval_pp is not None
    low, high = (found.tau_pp * math.sqrt(6 / scipy.stats.chi2.ppf(p, 6)) for p in (0.975, 0.025))
    assert found.interval_pp == pytest.approx((low, high))
    assert found.cautious_pp == pytest.approx(found.tau_pp * math.sqrt(6 / scipy.stats.chi2.ppf(0.2, 6)))


@given(st.lists(st.floats(0.1, 0.9), min_size=8, max_size=8), st.floats(1e-6, 1e-3))
def test_law_the_cautious_value_lies_inside_the_interval_and_above_the_estimate(rates: list[float], variance: float) -> None:
    found = spread_between_models(SIZES, rates, [variance] * 8)
    if found.interval_pp is None or found.cautious_pp is None:
        assert found.undefined_because is not None
        return
    assert found.interval_pp[0] <= found.cautious_pp <= found.interval_pp[1]
    assert found.cautious_pp >= found.tau_pp - 1e-9
    turned = spread_between_models(SIZES, [1 - rate for rate in rates], [variance] * 8)
    assert turned.tau_pp == pytest.approx(found.tau_pp, abs=1e-6)


def test_definition_the_cautious_value_is_large_enough_in_four_pilots_of_five() -> None:
    """2,000 seeded pilots of 8 models 5 pp apart: the limit is at least 5 in 80 of 100, the estimate in fewer than half."""
    rng = np.random.default_rng(1)
    x = np.log10(SIZES)
    enough, estimate = 0, 0
    for _ in range(2000):
        rates = 0.5 + 0.03 * (x - x.mean()) + rng.normal(0, 0.05, 8) + rng.normal(0, 0.02, 8)
        found = spread_between_models(SIZES, rates, [0.0004] * 8)
        enough += (found.cautious_pp or 0) >= 5
        estimate += found.tau_pp >= 5
    print(f"cautious value enough in {enough / 2000:.3f}, the estimate in {estimate / 2000:.3f}")
    assert enough / 2000 == pytest.approx(0.8, abs=3 * math.sqrt(0.16 / 2000))
    assert estimate / 2000 < 0.5


def test_boundary_less_scatter_than_noise_is_said() -> None:
    found = spread_between_models([1, 10, 100], [0.5, 0.5, 0.5], [0.01] * 3)
    assert found.tau_pp == 0
    assert found.interval_pp is None or found.interval_pp[0] == 0
    on_line = spread_between_models([1, 10, 100], [0.25, 0.5, 0.75], [0.0] * 3)
    assert on_line.interval_pp is None
    assert on_line.cautious_pp is None
    assert on_line.undefined_because is not None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2], [0.1, 0.2], [0.01, 0.01]), InsufficientData, "3 distinct sizes"),
        (([1, 2, 4], [0.1, 0.2, 0.3], [0.01, 0.0, 0.01]), DomainError, "give every rate its variance, or all of them 0"),
        (([1, 2, 4], [0.1, 0.2, 0.3], [0.01, 0.01]), DomainError, "variances"),
        (([1, 2, 4], [0.1, 0.2, 0.3], [4.0, 4.0, 4.0]), DomainError, "divide squared percent by 10,000"),
        (([1, 2, 4], [0.1, 0.2, 1.3], [0.01] * 3), DomainError, "rates"),
    ],
)
def test_refuses_what_has_no_spread(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        spread_between_models(*arguments)


def test_refuses_an_assurance_of_chance() -> None:
    with pytest.raises(DomainError, match="assurance must be above"):
        spread_between_models([1, 2, 4], [0.1, 0.2, 0.3], [0.01] * 3, assurance=0.5)
