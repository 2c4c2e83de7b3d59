"""Interval-censored regression beside scipy's optimiser on a likelihood in fifty digits."""

import mpmath
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from safescale.stats import compute_to_threshold
from safescale.stats._interval_censored import _log_between

NAN = float("nan")
SIZE = [0.5, 1, 3, 7, 14, 70]
LOW = [NAN, 5, 20, 10, 20, 50]
HIGH = [5, 10, 50, 20, 50, NAN]


def loss(theta, fixed_slope=None, low=LOW, high=HIGH, size=SIZE):
    """Minus the log likelihood over (a, log sd[, b]), with mpmath's distribution function."""
    a, log_sd = theta[:2]
    b = theta[2] if fixed_slope is None else fixed_slope
    x = np.log10(size) - np.mean(np.log10(size))
    total = mpmath.mpf(0)
    with mpmath.workdps(50):
        sd = mpmath.exp(log_sd)
        for s, under, over in zip(x, np.log10(low), np.log10(high), strict=True):
            upper = 1 if np.isnan(over) else mpmath.ncdf((over - a - b * s) / sd)
            lower = 0 if np.isnan(under) else mpmath.ncdf((under - a - b * s) / sd)
            total += mpmath.log(upper - lower)
    return -float(total)


def lowest(start, **more):
    found = scipy.optimize.minimize(
        loss, start, args=tuple(more.values()), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    )
    assert found.success
    return found


def test_estimates_and_profile_agree_with_nelder_mead():
    fit = compute_to_threshold(SIZE, LOW, HIGH, range(6))
    best = lowest([1.3, np.log(0.3), 0.5])
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-9)
    assert fit.slope == pytest.approx(best.x[2], abs=1e-5)
    assert np.log10(fit.compute_at_reference) == pytest.approx(best.x[0], abs=1e-5)
    assert fit.scatter_decades == pytest.approx(np.exp(best.x[1]), rel=1e-4)
    t = scipy.stats.t.ppf(0.975, 4)
    for slope in fit.interval:
        held = lowest([1.3, np.log(0.4)], fixed_slope=slope)
        assert 2 * (held.fun - best.fun) == pytest.approx(6 * np.log1p(t * t / 4), rel=1e-5)
    flat = lowest([1.3, np.log(0.4)], fixed_slope=0.0)
    score = np.sqrt(4 * np.expm1(2 * (flat.fun - best.fun) / 6))
    assert fit.p_value == pytest.approx(2 * scipy.stats.t.sf(score, 4), rel=1e-5)


@pytest.mark.parametrize(
    "ends", [(1.0, -1.0), (40.0, 38.0), (-38.0, -40.0), (9.0, 8.999), (np.inf, 30.0), (-30.0, -np.inf), (0.1, -50.0)]
)
def test_log_probabilities_keep_their_digits_in_either_tail(ends):
    with mpmath.workdps(1000):
        upper, lower = (mpmath.ncdf(end) if np.isfinite(end) else mpmath.mpf(end > 0) for end in ends)
        expected = float(mpmath.log(upper - lower))
    assert _log_between(np.array([ends[0]]), np.array([ends[1]]))[0] == pytest.approx(expected, rel=1e-10)
