"""The stratified rate against a slow computation of its own definition, and what must hold of any interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import stratified_rate

Z = 1.959963984540054


def far(k, n, sizes, t, *, d=1.0, e=1.0):
    """Cressie and Read's divergence at rate t, the restricted rates found by a general optimiser: two strata."""
    share, total = np.array(sizes) / sum(sizes), sum(sizes)

    def p_of(first):
        return np.array([first, (t - share[0] * first) / share[1]])

    def loss(first):
        p = np.clip(p_of(first), 1e-12, 1 - 1e-12)
        return -float(scipy.special.xlogy(k, p).sum() + scipy.special.xlogy(np.subtract(n, k), 1 - p).sum())

    low, high = max(0.0, (t - share[1]) / share[0]), min(1.0, t / share[0])
    found = scipy.optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    p = np.clip(p_of(found.x), 1e-12, 1 - 1e-12)
    power = 0.25
    observed = np.concatenate([k, np.subtract(n, k)])
    expected = np.concatenate([n * p, n * (1 - p)])
    divergence = 2 / (power * (power + 1)) * sum(o * ((o / x) ** power - 1) for o, x in zip(observed, expected, strict=True) if o)
    within = float((share**2 * p * (1 - p) / n).sum())
    return divergence * within / (d * within + e * float((share * (p - t) ** 2).sum()) / total)


@pytest.mark.parametrize(
    ("k", "n", "sizes", "d", "e"),
    [
        ((45, 3), (50, 50), (200, 1800), 1.0, 1.0),
        ((9, 14), (20, 30), (60, 40), 1.0, 1.0),
        ((30, 1), (40, 60), (300, 500), 1.4, 2.5),
    ],
)
def test_the_limits_are_where_the_divergence_reaches_z_squared(k, n, sizes, d, e):
    """Vouched for by a general optimiser on the definition in the docstring."""
    found = stratified_rate(k, n, sizes, design_effect=d, trace_effect=e)
    for bound in (found.low, found.high):
        assert far(np.array(k, float), np.array(n, float), sizes, bound, d=d, e=e) == pytest.approx(Z**2, rel=1e-4)


def test_point_and_standard_error_by_hand():
    found = stratified_rate([45, 3], [50, 50], [200, 1800])
    p1, p0, theta = 0.9, 0.06, 0.1 * 0.9 + 0.9 * 0.06
    variance = 0.01 * p1 * 0.1 / 50 + 0.81 * p0 * 0.94 / 50 + (0.1 * (p1 - theta) ** 2 + 0.9 * (p0 - theta) ** 2) / 2000
    assert found.estimate == pytest.approx(theta)
    assert found.standard_error == pytest.approx(math.sqrt(variance))
    assert found.effective_n == pytest.approx(theta * (1 - theta) / variance)


def test_all_labelled_is_the_rate_of_the_traces_and_known():
    of_traces = stratified_rate([3, 5], [10, 20], [10, 20], rate_of="traces")
    assert of_traces.low == pytest.approx(8 / 30, abs=1e-6)
    assert of_traces.high == pytest.approx(8 / 30, abs=1e-6)
    assert of_traces.standard_error is None
    of_process = stratified_rate([3, 5], [10, 20], [10, 20])
    assert of_process.standard_error == pytest.approx(math.sqrt(8 / 30 * 22 / 30 / 30))


def test_nothing_seen_is_not_nothing_there():
    none = stratified_rate([0, 0], [20, 30], [200, 900])
    assert (none.estimate, none.low, none.standard_error) == (0, 0, None)
    assert 0.03 < none.high < 0.15
    every = stratified_rate([20, 30], [20, 30], [200, 900])
    assert every.high == 1
    assert every.low == pytest.approx(1 - none.high)


@st.composite
def samples(draw):
    strata = draw(st.integers(1, 5))
    n = [draw(st.integers(1, 40)) for _ in range(strata)]
    k = [draw(st.sampled_from([0, m]) | st.integers(0, m)) for m in n]
    sizes = [m + draw(st.sampled_from([0, 1, 500]) | st.integers(0, 3000)) for m in n]
    return k, n, sizes


@given(samples())
def test_what_any_interval_of_a_rate_must_do(sample):
    k, n, sizes = sample
    found = stratified_rate(k, n, sizes)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.low < found.high
    mirrored = stratified_rate([m - x for x, m in zip(k, n, strict=True)], n, sizes)
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-6)
    assert mirrored.high == pytest.approx(1 - found.low, abs=1e-6)
    wider = stratified_rate(k, n, sizes, level=0.99)
    assert wider.low <= found.low + 1e-9
    assert wider.high >= found.high - 1e-9
    shared = stratified_rate(k, n, sizes, design_effect=2.0, trace_effect=2.0)
    assert shared.low <= found.low + 1e-9
    assert shared.high >= found.high - 1e-9
    here = stratified_rate(k, n, sizes, rate_of="traces")
    assert here.high - here.low <= found.high - found.low + 1e-9


@given(samples())
def test_order_and_empty_strata_change_nothing(sample):
    k, n, sizes = sample
    found = stratified_rate(k, n, sizes)
    turned = stratified_rate([0, *k[::-1]], [0, *n[::-1]], [0, *sizes[::-1]])
    assert turned.low == pytest.approx(found.low, abs=1e-7)
    assert turned.high == pytest.approx(found.high, abs=1e-7)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([3], [2], [10]), {}, "between 0 and trials, got 3 of 2"),
        (([1], [20], [10]), {}, "holds 10 traces, and 20 are labelled"),
        (([1], [2], [10]), {"design_effect": 0.5}, "design_effect must be at least 1"),
        (([1], [2], [10]), {"trace_effect": 0.9}, "trace_effect must be at least 1"),
        (([1], [2], [10]), {"rate_of": "rows"}, "rate_of"),
        (([1, 2], [2], [10]), {}, "length"),
    ],
)
def test_refusals(arguments, options, words):
    with pytest.raises(DomainError, match=words):
        stratified_rate(*arguments, **options)


@pytest.mark.parametrize(("arguments", "words"), [(([0], [0], [5]), "none is labelled"), (([0], [0], [0]), "no stratum")])
def test_what_is_not_there_cannot_be_estimated(arguments, words):
    with pytest.raises(InsufficientData, match=words):
        stratified_rate(*arguments)


def test_a_rate_of_one_is_one_whatever_the_shares() -> None:
    """Shares of thirds and sevenths add up to 1 but for the last digit; 1 must not lie outside its own interval."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = rng.integers(20, 400, int(rng.integers(2, 7)))
        labels = np.minimum(sizes, 10)
        rate = stratified_rate(labels, labels, sizes)
        assert rate.estimate == rate.high == 1.0


def test_all_labelled_is_known_also_where_rounding_leaves_a_distance() -> None:
    """Every trace of XSTest is labelled by people: these counts left a divergence of rounding over a variance of none."""
    found = stratified_rate([125, 3, 1], [127, 31, 242], [127, 31, 242], rate_of="traces", design_effect=1.0092436625708843)
    assert found.low == found.estimate == found.high == pytest.approx(129 / 400)


@given(
    table=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)).map(lambda kn: (min(kn), kn[1])), min_size=1, max_size=4),
    effect=st.floats(1.0, 3.0),
)
def test_all_labelled_leaves_no_interval_whatever_the_counts(table: list[tuple[int, int]], effect: float) -> None:
    k, n = [row[0] for row in table], [row[1] for row in table]
    found = stratified_rate(k, n, n, rate_of="traces", design_effect=effect)
    assert found.low == pytest.approx(sum(k) / sum(n), abs=1e-9)
    assert found.high == pytest.approx(sum(k) / sum(n), abs=1e-9)
