"""Temperature scaling: the stationarity that defines it, a second minimiser, laws, boundaries, refusals."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import scaled_probabilities, temperature_scaling

TABLES = st.lists(
    st.tuples(st.tuples(*[st.floats(-8, 8).map(lambda x: round(x, 3))] * 3), st.integers(0, 2)), min_size=2, max_size=30
)


def table(rows):
    return np.array([z for z, _ in rows]), np.array([y for _, y in rows])


@given(TABLES)
def test_law_at_the_minimum_observed_and_expected_logits_agree_on_average(rows):
    z, y = table(rows)
    got = temperature_scaling(z, y)
    assume(not got.at_bound)
    p = scaled_probabilities(z, temperature=got.temperature)
    assert (p * z).sum() == pytest.approx(z[np.arange(len(y)), y].sum(), abs=1e-6 * max(1.0, np.abs(z).sum()))
    assert got.log_loss_after <= got.log_loss_before + 1e-12


@given(TABLES, st.floats(0.1, 10), st.floats(-50, 50))
def test_law_scaled_logits_scale_the_temperature_and_a_shift_does_nothing(rows, factor, shift):
    z, y = table(rows)
    one, other = temperature_scaling(z, y), temperature_scaling(z * factor + shift, y)
    assume(not one.at_bound and not other.at_bound)
    assert other.temperature == pytest.approx(one.temperature * factor, rel=1e-5)
    assert other.log_loss_after == pytest.approx(one.log_loss_after, abs=1e-9)


def test_agrees_with_a_minimiser_of_scipy():
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rng = np.random.default_rng(11)
    z = rng.normal(scale=6, size=(300, 4))
    y = np.array([rng.choice(4, p=row) for row in scaled_probabilities(z, temperature=2.5)])

    def loss(log_t):
        return -log_softmax(z / math.exp(log_t), axis=1)[np.arange(300), y].mean()

    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-10})
    got = temperature_scaling(z, y)
    assert got.temperature == pytest.approx(math.exp(best.x), rel=1e-5)
    assert got.log_loss_after == pytest.approx(best.fun, abs=1e-12)
    assert 2.0 < got.temperature < 3.1


def test_two_classes_have_a_closed_form():
    """Right three times of four at one logit gap g: softmax gives 3/4, so T = g / ln 3."""
    got = temperature_scaling([[5.0, 0.0]] * 4, [0, 0, 0, 1])
    assert got.temperature == pytest.approx(5.0 / math.log(3.0), rel=1e-9)


def test_all_right_wants_ever_colder_and_says_so():
    got = temperature_scaling([[2.0, 0.0]] * 3, [0, 0, 0])
    assert got.at_bound
    assert got.temperature == pytest.approx(1e-3)


def test_all_wrong_or_no_better_than_chance_wants_ever_hotter_and_says_so():
    assert temperature_scaling([[2.0, 0.0]] * 2, [1, 1]).at_bound
    assert temperature_scaling([[0.0, 0.0]] * 2, [0, 1]).at_bound


@pytest.mark.parametrize(
    ("z", "y", "error", "match"),
    [
        ([[1.0, 2.0]], [2], DomainError, "below the 2 classes"),
        ([[1.0, 2.0]], [-1], DomainError, "negative"),
        ([[1.0]], [0], DomainError, "two classes"),
        ([[1.0, float("inf")]], [0], DomainError, "finite"),
        ([[1.0, 2.0]], [0, 1], DomainError, "same length"),
        (np.empty((0, 2)), np.empty(0, dtype=int), InsufficientData, "got none"),
        ([1.0, 2.0], [0, 1], DomainError, "two classes"),
    ],
)
def test_refuses(z, y, error, match):
    with pytest.raises(error, match=match):
        temperature_scaling(z, y)


def test_refuses_a_temperature_that_is_none():
    with pytest.raises(DomainError, match="positive"):
        scaled_probabilities([[0.0, 1.0]], temperature=0.0)
