"""Expected calibration error: definition, its bias by exact enumeration, laws, refusals."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.stats import calibration_error

FORECASTS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def test_definition_by_hand():
    """Two bins of four: |1/2 - 0.2| and |1 - 0.8|, each half of the traces."""
    got = calibration_error([0.2, 0.2, 0.8, 0.8], [True, False, True, True], bins=2)
    assert got.expected_calibration_error == pytest.approx(0.5 * 0.3 + 0.5 * 0.2)
    assert got.maximum_calibration_error == pytest.approx(0.3)
    assert got.brier == pytest.approx((0.64 + 0.04 + 0.04 + 0.04) / 4)
    assert [(b.n, b.occurred) for b in got.bins] == [(2, 0.5), (2, 1.0)]


@pytest.mark.parametrize("p", [[0.3], [0.1, 0.9], [0.2, 0.5, 0.7], [0.0, 1.0, 0.4, 0.4, 0.6]])
def test_null_expectation_is_the_mean_over_every_outcome_weighted_by_its_chance(p):
    expected = math.fsum(
        math.prod(q if hit else 1 - q for q, hit in zip(p, hits, strict=True))
        * calibration_error(p, list(hits), bins=3).expected_calibration_error
        for hits in itertools.product([False, True], repeat=len(p))
    )
    assert calibration_error(p, [True] * len(p), bins=3).null_expectation == pytest.approx(expected, abs=1e-12)


def test_null_of_many_traces_joins_the_exact_one():
    p = np.random.default_rng(3).uniform(0.4, 0.6, 401)
    many = calibration_error(p, [True] * 401, bins=1).null_expectation
    fewer = calibration_error(p[:400], [True] * 400, bins=1).null_expectation
    assert many == pytest.approx(fewer * math.sqrt(400 / 401), rel=2e-3)


def test_matches_the_usual_loop():
    """The loop of Guo et al.: confidence in (low, high] of each of 15 bins."""
    rng = np.random.default_rng(7)
    p, y = rng.uniform(size=500), rng.uniform(size=500) < 0.4
    usual = 0.0
    for low, high in itertools.pairwise(np.linspace(0, 1, 16)):
        inside = (p > low) & (p <= high)
        if inside.any():
            usual += inside.mean() * abs(y[inside].mean() - p[inside].mean())
    assert calibration_error(p, y).expected_calibration_error == pytest.approx(usual, abs=1e-12)


@given(FORECASTS)
def test_law_order_of_traces_is_irrelevant_and_all_is_a_fraction(pairs):
    p, y = [a for a, _ in pairs], [b for _, b in pairs]
    one, other = calibration_error(p, y), calibration_error(p[::-1], y[::-1])
    assert one.expected_calibration_error == pytest.approx(other.expected_calibration_error, abs=1e-12)
    assert 0.0 <= one.expected_calibration_error <= one.maximum_calibration_error + 1e-12 <= 1.0 + 1e-12
    assert sum(b.n for b in one.bins) == one.n == len(pairs)
    assert 0.0 <= one.null_expectation <= 0.5 + 1e-12


@given(FORECASTS)
def test_law_the_other_event_has_the_same_error_in_one_bin(pairs):
    p, y = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    one, other = calibration_error(p, y, bins=1), calibration_error(1 - p, ~y, bins=1)
    assert one.expected_calibration_error == pytest.approx(other.expected_calibration_error, abs=1e-9)
    assert one.null_expectation == pytest.approx(other.null_expectation, abs=1e-9)


@given(FORECASTS, st.integers(1, 20))
def test_law_equal_predictions_share_a_bin(pairs, bins):
    p, y = [round(a, 1) for a, _ in pairs], [b for _, b in pairs]
    found = calibration_error(p, y, bins=bins, binning="equal_count").bins
    assert len(found) <= bins
    assert all(a.high < b.low for a, b in itertools.pairwise(found))


def test_certain_and_right_is_zero_and_its_null_too():
    got = calibration_error([0.0, 1.0, 1.0], [False, True, True])
    assert (got.expected_calibration_error, got.null_expectation, got.brier) == (0.0, 0.0, 0.0)


def test_certain_and_wrong_is_one():
    assert calibration_error([0.0, 1.0], [True, False]).expected_calibration_error == 1.0


@pytest.mark.parametrize(
    ("p", "y", "options", "match"),
    [
        ([], [], {}, "at least one trace"),
        ([50.0], [True], {}, "divide percent by 100"),
        ([0.5, 0.5], [True], {}, "same length"),
        ([0.5], [1], {}, "truth value"),
        ([0.5], [True], {"bins": 0}, "at least 1"),
        ([0.5], [True], {"binning": "kernel"}, "one of"),
        ([float("nan")], [True], {}, "finite"),
    ],
)
def test_refuses(p, y, options, match):
    with pytest.raises(DomainError, match=match):
        calibration_error(p, y, **options)
