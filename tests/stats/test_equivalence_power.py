"""Power to show that a slope is flat: published values, other integrators, simulated tests, and the laws of a plan."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    log_scaling_slope,
    plan_equivalence,
    plan_models,
    slope_equivalence_power,
    slope_equivalence_test,
    slope_power,
)
from stats.planning_strategies import designs, noises


@pytest.mark.parametrize(
    ("cv", "ratio", "subjects", "printed"),
    [(0.30, 0.95, 40, 0.815845), (0.20, 0.95, 20, 0.834680)],
)
def test_second_opinion_published_power_of_bioequivalence(cv: float, ratio: float, subjects: int, printed: float) -> None:
    """
    The same two tests in a 2x2 crossover of n subjects: n - 2 degrees of freedom, SE = s_w sqrt(2 / n) on the log scale, margin
    log 1.25. Values as the manual of R's PowerTOST prints them for CV .30 and .20 (sampleN.TOST: 40 and 20 subjects).
    """
    sd = math.sqrt(2 * math.log(1 + cv**2))
    found = slope_equivalence_power(
        subjects,
        margin_pp_per_decade=100 * math.log(1.25),
        slope_pp_per_decade=100 * math.log(ratio),
        size_sd_decades=1,
        residual_sd=sd,
    )
    assert found.power == pytest.approx(printed, abs=6e-7)
    one_less = slope_equivalence_power(
        subjects - 2,
        margin_pp_per_decade=100 * math.log(1.25),
        slope_pp_per_decade=100 * math.log(ratio),
        size_sd_decades=1,
        residual_sd=sd,
    )
    assert one_less.power < 0.8 < found.power


@given(
    st.integers(3, 60),
    st.floats(0.2, 20),
    st.floats(-1.5, 1.5),
    st.sampled_from([0.05, 0.01, 0.2]),
)
def test_second_opinion_scipy_integrates_the_same(n: int, margin_in_se: float, slope_share: float, alpha: float) -> None:
    """Adaptive quadrature of the same expectation over the chi distribution of the scatter."""
    dof, theta = n - 2, slope_share * margin_in_se
    t = scipy.stats.t.ppf(1 - alpha, dof)

    def integrand(s: float) -> float:
        inside = scipy.stats.norm.cdf(margin_in_se - theta - t * s) - scipy.stats.norm.cdf(-margin_in_se - theta + t * s)
        return max(0.0, inside) * scipy.stats.chi.pdf(s * math.sqrt(dof), dof) * math.sqrt(dof)

    limit = margin_in_se / t
    points = [p for p in (0.5 * limit, (margin_in_se - abs(theta)) / t, 1.0) if 0.01 * limit < p < 0.99 * limit]
    ends = [0.0, *sorted(points), limit]
    other = sum(scipy.integrate.quad(integrand, a, b, limit=200)[0] for a, b in itertools.pairwise(ends))
    found = slope_equivalence_power(
        n,
        margin_pp_per_decade=margin_in_se,
        slope_pp_per_decade=theta,
        size_sd_decades=1,
        residual_sd=0.01 * math.sqrt(n),
        alpha=alpha,
    )
    assert found.standard_error_pp_per_decade == pytest.approx(1)
    assert found.power == pytest.approx(other, abs=2e-7)


@pytest.mark.parametrize(("n", "true_slope", "residual_sd"), [(6, 0.0, 0.02), (12, 2.0, 0.04), (30, -3.0, 0.05)])
def test_definition_share_of_simulated_tests_that_claim_flatness(n: int, true_slope: float, residual_sd: float) -> None:
    """The test itself, 3,000 seeded draws: power .80 and elsewhere within three standard errors."""
    sizes = np.geomspace(0.5, 100, n)
    x = np.log10(sizes)
    rng = np.random.default_rng(20260630)
    claims = 0
    for _ in range(3000):
        rates = 0.5 + true_slope / 100 * (x - x.mean()) + rng.normal(0, residual_sd, n)
        claims += slope_equivalence_test(log_scaling_slope(sizes, np.clip(rates, 0, 1))).equivalent
    planned = slope_equivalence_power(
        n, margin_pp_per_decade=5, slope_pp_per_decade=true_slope, size_sd_decades=float(x.std()), residual_sd=residual_sd
    ).power
    print(f"{n} models: planned {planned:.3f}, simulated {claims / 3000:.3f}")
    assert 0.03 < planned < 0.99
    assert claims / 3000 == pytest.approx(planned, abs=3 * math.sqrt(planned * (1 - planned) / 3000))


@given(noises(), st.floats(1, 40), st.floats(-0.95, 0.95), st.floats(0.2, 2), st.sampled_from([0.6, 0.8, 0.95]))
def test_law_enough_at_n_and_not_at_one_less(
    noise: dict[str, Any], margin: float, share: float, spread: float, power: float
) -> None:
    slope = share * margin
    plan = plan_equivalence(margin, slope_pp_per_decade=slope, size_sd_decades=spread, power=power, **noise)

    def power_of(n: int) -> float:
        options: dict[str, Any] = {"margin_pp_per_decade": margin, "slope_pp_per_decade": slope, "size_sd_decades": spread}
        return slope_equivalence_power(n, **options, **noise).power

    if plan.n_models is None:
        assert power_of(100_000) < power
        assert plan.unreachable_because is not None
        assert plan.power_reached is None
        return
    assert plan.power_reached == pytest.approx(power_of(plan.n_models), abs=1e-12)
    assert plan.power_reached >= power
    if plan.n_models > 3:
        assert power_of(plan.n_models - 1) < power
    assert plan.n_models in plan.curve_models
    assert np.all(np.diff(plan.curve_power) >= -1e-9)


@given(noises(), st.integers(3, 40), st.floats(1, 30), st.floats(0, 1.2))
def test_law_direction_is_irrelevant_and_the_margin_bounds_the_error(
    noise: dict[str, Any], n: int, margin: float, share: float
) -> None:
    def power_of(slope: float) -> float:
        options: dict[str, Any] = {"margin_pp_per_decade": margin, "size_sd_decades": 0.6}
        return slope_equivalence_power(n, slope_pp_per_decade=slope, **options, **noise).power

    assert power_of(share * margin) == pytest.approx(power_of(-share * margin), abs=1e-9)
    assert power_of(0) >= power_of(share * margin) - 1e-9, "a flat slope is the easiest to show flat"
    # at the margin the level holds: that is what makes the claim safe
    assert power_of(margin) <= 0.05 + 1e-9


@given(designs(max_models=12), noises())
def test_law_sizes_stand_for_their_spread_and_even_sizes_for_theirs(sizes: list[float], noise: dict[str, Any]) -> None:
    here = plan_equivalence(10, params_b=sizes, **noise)
    there = plan_equivalence(10, size_sd_decades=float(np.log10(sizes).std()), **noise)
    assert here.n_models == there.n_models


@given(st.floats(0.5, 3), st.floats(0.02, 0.2))
def test_definition_even_plans_stand_on_evenly_spread_sizes(decades: float, residual_sd: float) -> None:
    """The plan put back in: that many models evenly between two sizes have the power, and one less has not."""
    found = plan_models(10, even_decades=decades, residual_sd=residual_sd)
    flat = plan_equivalence(10, even_decades=decades, residual_sd=residual_sd)
    assert found.n_models is not None
    assert flat.n_models is not None

    def spread(n: int) -> float:
        return float(np.std(np.linspace(0, decades, n)))

    def power_of(n: int) -> float:
        return slope_power(n, slope_pp_per_decade=10, size_sd_decades=spread(n), residual_sd=residual_sd).power

    def flat_power_of(n: int) -> float:
        return slope_equivalence_power(n, margin_pp_per_decade=10, size_sd_decades=spread(n), residual_sd=residual_sd).power

    assert found.size_sd_decades == pytest.approx(spread(found.n_models))
    for plan, power in ((found, power_of), (flat, flat_power_of)):
        assert plan.n_models is not None
        assert plan.even_decades == decades
        assert plan.power_reached == pytest.approx(power(plan.n_models), abs=1e-9)
        assert power(plan.n_models) >= 0.8 - 1e-12
        assert plan.n_models == 3 or power(plan.n_models - 1) < 0.8


def test_boundary_scatter_beyond_the_margin_never_shows_flatness() -> None:
    wide = slope_equivalence_power(3, margin_pp_per_decade=0.001, size_sd_decades=0.5, residual_sd=0.5)
    assert 0 <= wide.power < 1e-6
    sure = slope_equivalence_power(50, margin_pp_per_decade=50, size_sd_decades=1, residual_sd=0.001)
    assert sure.power == pytest.approx(1)


def test_no_number_of_models_is_a_number() -> None:
    plan = plan_equivalence(0.01, size_sd_decades=0.1, residual_sd=0.3)
    assert plan.n_models is plan.power_reached is None
    assert plan.unreachable_because is not None
    assert "widen the sizes (standard deviation 0.1 decades) or the margin" in plan.unreachable_because


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"margin_pp_per_decade": 0}, DomainError, "margin_pp_per_decade must be positive"),
        ({"margin_pp_per_decade": -5}, DomainError, "margin_pp_per_decade must be positive"),
        ({"alpha": 0.5}, DomainError, "alpha must be below 0.5 for an equivalence test"),
        ({"n_models": 2}, InsufficientData, "at least 3 models"),
        ({"size_sd_decades": 0}, DomainError, "size_sd_decades must be positive"),
        ({"residual_sd": None}, DomainError, "the noise needs residual_sd"),
    ],
)
def test_refuses_a_power_that_is_not_defined(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    whole = {"n_models": 9, "margin_pp_per_decade": 5, "size_sd_decades": 1, "residual_sd": 0.1} | arguments
    with pytest.raises(error, match=message):
        slope_equivalence_power(whole.pop("n_models"), **whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"slope_pp_per_decade": 5}, r"a slope of \+5 pp per decade is not inside a margin of 5"),
        ({"slope_pp_per_decade": -6}, "is not inside a margin"),
        ({"even_decades": 1.0}, "give either params_b.*got size_sd_decades, even_decades"),
        ({"size_sd_decades": None}, "give either params_b.*got none"),
        ({"power": 0.05}, "power must exceed alpha"),
    ],
)
def test_refuses_a_plan_that_nothing_fulfils(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        plan_equivalence(5, **({"size_sd_decades": 1, "residual_sd": 0.1} | arguments))
