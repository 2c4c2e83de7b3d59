"""Least squares."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import ols
from stats.nist_files import exact_least_squares


def design(sizes):
    return np.column_stack([np.ones(len(sizes)), np.log10(sizes)])


@given(own.sized_rates())
def test_residuals_are_orthogonal_to_the_design(data):
    sizes, rates = data
    fit = ols(design(sizes), rates)
    assert design(sizes).T @ fit.residuals == pytest.approx(np.zeros(2), abs=1e-12)
    assert fit.design @ fit.coefficients + fit.residuals == pytest.approx(fit.response, abs=1e-12)
    assert (fit.n, fit.residual_dof, fit.centred) == (len(sizes), len(sizes) - 2, True)


@given(own.sized_rates())
def test_is_the_exact_rational_solution(data):
    """Cramer's rule in fractions of the very floats that were given."""
    sizes, rates = data
    x, y = [Fraction(v) for v in np.log10(sizes)], [Fraction(v) for v in rates]
    n, sx, sy = len(x), sum(x), sum(y)
    sxx = sum(v * v for v in x) - sx * sx / n
    slope = (sum(u * v for u, v in zip(x, y, strict=True)) - sx * sy / n) / sxx
    intercept = (sy - slope * sx) / n
    rss = sum((v - intercept - slope * u) ** 2 for u, v in zip(x, y, strict=True))
    fit = ols(design(sizes), rates)
    assert fit.coefficients == pytest.approx([float(intercept), float(slope)], abs=1e-11)
    assert fit.standard_errors[1] == pytest.approx(float(rss / (n - 2) / sxx) ** 0.5, rel=1e-6, abs=1e-13)
    assert fit.residual_sd == pytest.approx(float(rss / (n - 2)) ** 0.5, rel=1e-6, abs=1e-13)


@given(own.sized_rates())
def test_agrees_with_scipy_linregress(data):
    sizes, rates = data
    if np.ptp(rates) < 1e-9:
        assert ols(design(sizes), rates).r_squared is None or max(rates) != min(rates)
        return
    other = scipy.stats.linregress(np.log10(sizes), rates)
    fit = ols(design(sizes), rates)
    assert fit.coefficients == pytest.approx([other.intercept, other.slope], abs=1e-12)
    assert fit.standard_errors == pytest.approx([other.intercept_stderr, other.stderr], rel=1e-6, abs=1e-7)
    assert fit.r_squared == pytest.approx(other.rvalue**2, abs=1e-9)


def test_norris_has_ten_certified_digits(real_data):
    """NIST StRD Norris, certified: B0 -0.262323073774029, B1 1.00211681802045, their sds, R2 0.999993745883712."""
    lines = (real_data / "nist" / "Norris.dat").read_text().splitlines()[60:96]
    y, x = np.array([line.split() for line in lines], dtype=float).T
    fit = ols(np.column_stack([np.ones(36), x]), y)
    assert fit.coefficients == pytest.approx([-0.262323073774029, 1.00211681802045], rel=5e-14)
    assert fit.standard_errors == pytest.approx([0.232818234301152, 0.429796848199937e-3], rel=1e-10)
    assert fit.r_squared == pytest.approx(0.999993745883712, rel=1e-13)
    assert fit.residual_sd == pytest.approx(0.884796396144373, rel=1e-10)


def test_longley_has_eleven_certified_digits(real_data):
    """NIST StRD Longley: six collinear regressors; the step of refinement is worth the eleventh digit."""
    lines = (real_data / "nist" / "Longley.dat").read_text().splitlines()[60:76]
    data = np.array([line.split() for line in lines], dtype=float)
    fit = ols(np.column_stack([np.ones(16), data[:, 1:]]), data[:, 0])
    certified = [-3482258.63459582, 15.0618722713733, -0.0358191792925910, -2.02022980381683, -1.03322686717359]
    certified += [-0.0511041056535807, 1829.15146461355]
    assert fit.coefficients == pytest.approx(certified, rel=1e-11)
    assert fit.r_squared == pytest.approx(0.995479004577296, rel=1e-12)


def test_filip_is_solved_where_normal_equations_fail(real_data):
    """NIST StRD Filip, a polynomial of degree 10: certified constant -1467.48961422980, x^10 -0.402962525080404E-04."""
    lines = (real_data / "nist" / "Filip.dat").read_text().splitlines()[60:142]
    y, x = np.array([line.split() for line in lines], dtype=float).T
    fit = ols(x[:, np.newaxis] ** np.arange(11), y)
    assert fit.coefficients[[0, 10]] == pytest.approx([-1467.48961422980, -0.402962525080404e-04], rel=1e-7)
    assert fit.r_squared == pytest.approx(0.996727416185620, rel=1e-9)


@given(own.sized_rates(), st.floats(-5, 5), st.floats(0.1, 10))
def test_moves_and_stretches_with_y(data, shift, stretch):
    sizes, rates = data
    here, there = ols(design(sizes), rates), ols(design(sizes), shift + stretch * np.array(rates))
    assert there.coefficients == pytest.approx([shift, 0] + stretch * here.coefficients, abs=1e-10)
    assert there.standard_errors == pytest.approx(stretch * here.standard_errors, rel=1e-6, abs=1e-12)


def test_without_a_constant_r_squared_is_about_zero():
    fit = ols([[1.0], [2.0], [3.0]], [2.0, 4.0, 7.0])
    assert not fit.centred
    assert fit.coefficients == pytest.approx([31 / 14])
    assert fit.r_squared == pytest.approx(1 - (69 - 31**2 / 14) / 69)


def test_indicators_of_all_groups_span_a_constant():
    assert ols([[1, 0, 1], [1, 0, 2], [0, 1, 1], [0, 1, 3]], [1, 2, 3, 5]).centred


def test_constant_response_has_no_r_squared():
    fit = ols([[1, 0], [1, 1], [1, 2]], [0.3, 0.3, 0.3])
    assert fit.r_squared is None
    assert fit.coefficients == pytest.approx([0.3, 0], abs=1e-15)


@given(st.integers(2, 5), st.integers(0, 2**32 - 1), st.sampled_from([1.0, 1e3, 1e6]))
def test_law_stiff_designs_get_the_rounded_exact_solution(degree, seed, noise):
    """Powers of neighbouring numbers, small and huge residuals: the case in which refining b alone squares the condition."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 21, 24) / 4 + rng.integers(0, 30)
    X = x[:, np.newaxis] ** np.arange(degree + 1)
    y = X.sum(axis=1) + noise * rng.integers(-1000, 1000, 24)
    try:
        fit = ols(X, y)
    except DomainError:
        return
    exact = exact_least_squares([[Fraction(v) for v in row] for row in X.tolist()], [Fraction(v) for v in y.tolist()])
    scale = max(abs(float(b)) * float(np.abs(X[:, j]).max()) for j, b in enumerate(exact))
    for j, (got, want) in enumerate(zip(fit.coefficients.tolist(), exact, strict=True)):
        assert got == pytest.approx(float(want), rel=1e-12, abs=1e-13 * scale / float(np.abs(X[:, j]).max()))


def test_results_are_read_only_copies():
    X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    fit = ols(X, [1, 2, 4])
    X[0, 0] = 9
    assert fit.design[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        fit.coefficients[0] = 0


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        ([[1, 0], [1, 1]], [0, 1], InsufficientData, "2 rows leave no degree of freedom beside 2 coefficients"),
        ([[1, 2], [1, 2], [1, 2]], [0, 1, 2], DomainError, "column 1 of X is a combination of the columns before it"),
        ([[1, 0], [1, 0], [1, 0]], [0, 1, 2], DomainError, "column 1 of X is a combination"),
        ([1, 2, 3], [0, 1, 2], DomainError, r"shape \(rows, columns\), got \(3,\)"),
        ([[1], [2]], [0, 1, 2], DomainError, "same length, got 2 and 3"),
        ([[1], [np.nan]], [0, 1], DomainError, "X must be finite"),
        ([["a"], ["b"]], [0, 1], DomainError, "X must hold real numbers"),
        ([[1], [2, 3]], [0, 1], DomainError, "X must be a table of numbers"),
    ],
)
def test_refuses(X, y, error, message):
    with pytest.raises(error, match=message):
        ols(X, y)
