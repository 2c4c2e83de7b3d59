"""Holm, adjacent separation, shapes, labels."""

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    adjacent_separation,
    disjoint_intervals_alpha,
    fisher_exact_test,
    holm,
    scaling_label,
    shape_of_series,
    wilson_interval,
)

# ---- Holm -----------------------------------------------------------------------------------------------------------


def holm_by_steps(p, alpha):
    """The procedure as Holm wrote it: reject in order until one fails."""
    rejected = [False] * len(p)
    for step, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[i] * (len(p) - step) > alpha:
            break
        rejected[i] = True
    return rejected


@given(own.p_values(), st.sampled_from([0.05, 0.01, 0.2]))
def test_holm_rejects_what_the_steps_reject(p, alpha):
    assert list(holm(p, alpha=alpha).rejected) == holm_by_steps(p, alpha)


@given(own.p_values())
def test_holm_is_between_raw_and_bonferroni(p):
    got = holm(p)
    assert all(r <= a <= min(1, len(p) * r) + 1e-15 for r, a in zip(p, got.adjusted, strict=True))
    assert got.p_values == tuple(p)
    assert got.attainable is None


@given(own.p_values(), st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_order(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    here, there = holm(p).adjusted, holm([p[i] for i in order]).adjusted
    assert [here[i] for i in order] == list(there)


def test_holm_by_hand():
    """R 4.2.2: > p.adjust(c(.01, .04, .03, .005), "holm")  [1] 0.03 0.06 0.06 0.02"""
    assert holm([0.01, 0.04, 0.03, 0.005]).adjusted == pytest.approx((0.03, 0.06, 0.06, 0.02))


@pytest.mark.parametrize(
    ("p", "floors", "attainable", "adjusted_floor"),
    [
        ([0.0833, 0.5], [0.0833, 0.0833], False, 0.1666),
        ([0.9, 0.9], [0.0167, 0.0833], True, 0.0334),
        ([0.9, 0.9, 0.9], [0.0167, 0.0833, 0.0833], False, 0.0501),
        ([1.0], [1.0], False, 1.0),
        ([np.nextafter(0.04, 0)], [0.04], True, 0.04),
    ],
)
def test_holm_says_whether_it_could_reject(p, floors, attainable, adjusted_floor):
    got = holm(p, floors=floors)
    assert got.attainable is attainable
    assert got.adjusted_floor == pytest.approx(adjusted_floor)
    assert got.floors == tuple(floors)


@given(own.p_values())
def test_holm_with_p_at_the_floor_is_attainable_exactly_when_it_rejects(p):
    got = holm(p, floors=p)
    assert got.attainable == any(got.rejected)


@pytest.mark.parametrize(
    ("p", "floors", "error", "message"),
    [
        ([], None, InsufficientData, "no p-values to adjust"),
        ([0.5, 1.5], None, DomainError, r"probabilities in \[0, 1\], got 1.5 at position 1"),
        ([math.nan], None, DomainError, "p_values must be finite"),
        ([0.5], [0.6], DomainError, "a floor must not exceed its p-value, got 0.6 > 0.5 at position 0"),
        ([0.5], [0.1, 0.2], DomainError, "same length"),
    ],
)
def test_holm_refuses(p, floors, error, message):
    with pytest.raises(error, match=message):
        holm(p, floors=floors)


# ---- adjacent separation --------------------------------------------------------------------------------------------


# equal SE .0056, ratio 2 .0085, ratio 4 .0175 (../shared/reference/statistics.md, section 4)
@pytest.mark.parametrize(("ratio", "printed"), [(1, 0.0056), (2, 0.0085), (4, 0.0175), (0.25, 0.0175)])
def test_disjoint_intervals_are_a_test_at_the_printed_level(ratio, printed):
    assert round(disjoint_intervals_alpha(ratio), 4) == printed


@given(st.floats(0.05, 20), own.levels())
def test_disjoint_alpha_is_the_level_at_which_touching_intervals_reject(ratio, level):
    z = scipy.stats.norm.isf((1 - level) / 2)
    distance = z * (1 + ratio)
    assert disjoint_intervals_alpha(ratio, level=level) == pytest.approx(
        2 * scipy.stats.norm.sf(distance / math.sqrt(1 + ratio**2)), rel=1e-9
    )
    assert disjoint_intervals_alpha(ratio, level=level) < 1 - level


@given(own.series())
def test_separation_is_wilson_fisher_and_holm(cells):
    got = adjacent_separation(*own.columns(cells))
    assert got.intervals == tuple(wilson_interval(*cell) for cell in cells)
    tests = [fisher_exact_test(*b, *a) for a, b in pairwise(cells)]
    assert [pair.p_value for pair in got.pairs] == [test.p_value for test in tests]
    assert [pair.p_holm for pair in got.pairs] == list(holm([test.p_value for test in tests]).adjusted)
    for pair, (a, b) in zip(got.pairs, pairwise(cells), strict=True):
        first, second = wilson_interval(*a), wilson_interval(*b)
        assert pair.disjoint == (max(first.low, second.low) > min(first.high, second.high))
        assert pair.difference == b[0] / b[1] - a[0] / a[1]
        ratio = (first.high - first.low) / (second.high - second.low)
        assert pair.disjoint_alpha == pytest.approx(disjoint_intervals_alpha(ratio))
    assert got.all_disjoint == all(pair.disjoint for pair in got.pairs)
    assert [(pair.first, pair.second) for pair in got.pairs] == [(i, i + 1) for i in range(len(cells) - 1)]


def test_separation_refuses_one_cell():
    with pytest.raises(InsufficientData, match="at least 2 cells"):
        adjacent_separation([1], [2])


def test_disjoint_alpha_refuses_no_width():
    with pytest.raises(DomainError, match="se_ratio must be positive, got 0"):
        disjoint_intervals_alpha(0)


# ---- shapes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "shape", "surviving"),
    [
        ([100, 500, 900], "increasing", (1, 1)),
        ([900, 500, 100], "decreasing", (-1, -1)),
        ([900, 100, 900], "u", (-1, 1)),
        ([100, 900, 100], "inverted_u", (1, -1)),
        ([100, 900, 905, 100], "inverted_u", (1, 0, -1)),
        ([100, 900, 100, 900], "several_turns", (1, -1, 1)),
        ([500, 505, 500], "none", (0, 0)),
        ([500, 500, 500], "none", (0, 0)),
        ([100, 900, 895], "none", (1, 0)),
        ([100, 900, 900], "increasing", (1, 0)),
        ([100, 900, 905], "increasing", (1, 0)),
    ],
)
def test_named_shapes(successes, shape, surviving):
    got = shape_of_series(successes, [1000] * len(successes))
    assert (got.shape, got.surviving) == (shape, surviving)
    assert (got.successes, got.trials) == (tuple(successes), (1000,) * len(successes))


MIRROR = {"u": "u", "inverted_u": "inverted_u", "increasing": "decreasing", "decreasing": "increasing"}
FLIP = {"u": "inverted_u", "inverted_u": "u", "increasing": "decreasing", "decreasing": "increasing"}


@given(own.series(min_size=3))
def test_shape_turns_with_the_series_and_flips_with_the_outcome(cells):
    k, n = own.columns(cells)
    here = shape_of_series(k, n).shape
    assert shape_of_series(k[::-1], n[::-1]).shape == MIRROR.get(here, here)
    assert shape_of_series([b - a for a, b in cells], n).shape == FLIP.get(here, here)


@given(own.series(min_size=3, max_trials=60))
def test_a_turn_needs_surviving_differences_of_opposite_sign(cells):
    got = shape_of_series(*own.columns(cells))
    signs = {sign for sign in got.surviving if sign}
    assert (got.shape in ("u", "inverted_u", "several_turns")) == (signs == {1, -1})
    assert [bool(s) for s in got.surviving] == [p.p_holm <= 0.05 and p.difference != 0 for p in got.pairs]


def test_a_shape_needs_its_alpha():
    k, n = [10, 20, 10], [40, 40, 40]
    assert shape_of_series(k, n, alpha=0.2).shape == "inverted_u"
    assert shape_of_series(k, n).shape == "none"


def test_shape_refuses_two_cells():
    with pytest.raises(InsufficientData, match="at least 3 cells, got 2; report the difference"):
        shape_of_series([1, 2], [3, 3])


# ---- labels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slope", "label"),
    [
        (5.0001, "INVERSE_SCALING"),
        (5.0, "FLAT_OR_NOISY"),
        (0, "FLAT_OR_NOISY"),
        (-5.0, "FLAT_OR_NOISY"),
        (-5.0001, "POSITIVE_SCALING"),
        (np.float64(7.5), "INVERSE_SCALING"),
    ],
)
def test_labels_at_their_edges(slope, label):
    assert scaling_label(slope) == label


def test_label_threshold_is_an_argument():
    assert scaling_label(3, threshold_pp_per_decade=2) == "INVERSE_SCALING"


@pytest.mark.parametrize(
    ("slope", "threshold", "message"),
    [
        (math.nan, 5, "slope_pp_per_decade must be finite"),
        (None, 5, "must be a real number, got None"),
        (1, 0, "must be positive, got 0"),
    ],
)
def test_label_refuses(slope, threshold, message):
    with pytest.raises(DomainError, match=message):
        scaling_label(slope, threshold_pp_per_decade=threshold)
