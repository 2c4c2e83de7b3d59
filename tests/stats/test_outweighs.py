"""Which of two effects is larger in absolute value: definition, size of the test, laws, refusals."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.stats import which_outweighs

effects = st.floats(-3, 3).map(lambda value: round(value, 3))


@st.composite
def covariances(draw):
    a, b, r = draw(st.floats(0.01, 1)), draw(st.floats(0.01, 1)), draw(st.floats(-0.95, 0.95))
    return [[a * a, a * b * r], [a * b * r, b * b]]


def test_plain_signs_give_the_interval_of_the_contrast():
    """b > 0 > c by far: |c| - |b| is -c - b, with its own variance."""
    v = [[0.01, 0.004], [0.004, 0.02]]
    found = which_outweighs(1.0, -2.0, v, dof=7)
    se = math.sqrt(0.01 + 0.02 + 2 * 0.004)
    t = scipy.stats.t.ppf(0.975, 7)
    assert found.difference == 1.0
    assert found.interval == pytest.approx((1 - t * se, 1 + t * se))
    assert found.p_value == pytest.approx(2 * scipy.stats.t.sf(1 / se, 7))
    assert found.opposed
    alike = which_outweighs(1.0, 2.0, v, dof=7)
    se = math.sqrt(0.01 + 0.02 - 2 * 0.004)
    assert alike.interval == pytest.approx((1 - t * se, 1 + t * se))
    assert not alike.opposed


def test_p_is_the_larger_of_the_two_signs():
    """b is near 0: neither sign may be taken for granted."""
    v = [[0.04, 0.01], [0.01, 0.04]]
    found = which_outweighs(0.05, 0.5, v, dof=9)
    p = [2 * scipy.stats.t.sf(abs(0.5 - s * 0.05) / math.sqrt(0.08 - s * 0.02), 9) for s in (1, -1)]
    assert found.p_value == pytest.approx(max(p))
    assert min(p) < 0.9 * max(p)


@pytest.mark.parametrize(("b", "c"), [(0.5, 0.5), (0.5, -0.5), (0.05, 0.05), (0.0, 0.0)])
@pytest.mark.parametrize("r", [-0.8, 0.0, 0.8])
def test_equal_effects_are_told_apart_no_more_often_than_alpha(b, c, r):
    rng = np.random.default_rng(5)
    v = 0.04 * np.array([[1, r], [r, 1]])
    drawn = rng.multivariate_normal([b, c], v, 1500)
    found = [which_outweighs(x, y, v, dof=1e6) for x, y in drawn]
    told = np.mean([one.p_value < 0.05 for one in found])
    held = np.mean([one.interval[0] <= abs(c) - abs(b) <= one.interval[1] for one in found])
    assert told <= 0.067
    assert held >= 0.933


@pytest.mark.parametrize(("b", "c"), [(1.0, 0.02), (0.02, -1.0), (0.3, -0.5), (0.0, 0.6)])
def test_the_interval_covers_unequal_effects(b, c):
    rng = np.random.default_rng(6)
    v = np.array([[0.05, 0.01], [0.01, 0.03]])
    found = [which_outweighs(x, y, v, dof=1e6) for x, y in rng.multivariate_normal([b, c], v, 1500)]
    assert np.mean([one.interval[0] <= abs(c) - abs(b) <= one.interval[1] for one in found]) >= 0.933


@given(effects, effects, covariances(), st.sampled_from([2, 10, 60]))
def test_law_interval_and_p_agree_and_signs_are_irrelevant(b, c, v, dof):
    found = which_outweighs(b, c, v, dof=dof)
    assert found.difference == abs(c) - abs(b)
    assert found.interval[0] <= found.difference <= found.interval[1]
    assume(abs(found.p_value - 0.05) > 1e-9)
    assert (found.p_value < 0.05) == (not found.interval[0] <= 0 <= found.interval[1])
    turned = which_outweighs(-b, c, [[v[0][0], -v[0][1]], [-v[1][0], v[1][1]]], dof=dof)
    assert turned.interval == pytest.approx(found.interval)
    assert turned.p_value == pytest.approx(found.p_value)


@given(effects, effects, covariances())
def test_law_the_two_exchanged_mirror_difference_and_p(b, c, v):
    one, other = which_outweighs(b, c, v, dof=8), which_outweighs(c, b, np.array(v)[::-1, ::-1], dof=8)
    assert other.difference == -one.difference
    assert other.p_value == pytest.approx(one.p_value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"covariance": [[1, 1], [1, 1]]}, "has no variance"),
        ({"covariance": [1, 2]}, "finite 2 by 2"),
        ({"covariance": [[1, float("nan")], [0, 1]]}, "finite 2 by 2"),
        ({"dof": 0}, "dof must be above 0"),
        ({"size": float("nan")}, "size must be finite"),
        ({"level": 95}, "level must lie strictly"),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(DomainError, match=message):
        which_outweighs(**({"size": 1.0, "compute": 2.0, "covariance": [[1, 0], [0, 1]], "dof": 3} | changes))
