"""The mean slope over replicates: per replicate by hand, laws, replicates without a slope, too few replicates."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, slope_equivalence_test, slopes_over_replicates, within_group_slope

SIZES, RATES, SEEDS = [1, 3, 10] * 3, [0.1, 0.2, 0.3, 0.15, 0.3, 0.5, 0.2, 0.2, 0.4], list("aaabbbccc")


@st.composite
def replicated(draw, *, balanced=False):
    """Two to five replicates, each with two sizes or more; with one more of a single size now and then."""
    ladder = list(draw(st.permutations(own.MODEL_SIZES)))[:4]
    sizes, labels = [], []
    for name in draw(st.sampled_from(["xy", "xyz", "xyzuv"])):
        m = len(ladder) if balanced else draw(st.integers(2, 4))
        sizes += ladder[:m]
        labels += [name] * m
    if not balanced and len(set(sizes)) < 3:
        sizes, labels = [*sizes, ladder[2]], [*labels, "x"]
    if not balanced and draw(st.booleans()):
        sizes, labels = [*sizes, ladder[0]], [*labels, "alone"]
    return sizes, draw(st.lists(own.rates(), min_size=len(sizes), max_size=len(sizes))), labels


@given(replicated(), own.levels())
def test_interval_solves_its_equation_with_polyfit_slopes(rows, level):
    """Definition: a straight line through each replicate (numpy's fit), then the t interval of their mean put back."""
    sizes, rates, labels = rows
    found = slopes_over_replicates(*rows, level=level)
    by_hand = []
    for name in dict.fromkeys(labels):
        x, y = (np.array([v for v, label in zip(c, labels, strict=True) if label == name]) for c in (np.log10(sizes), rates))
        if len(set(x)) > 1:
            by_hand.append(100 * np.polyfit(x, y, 1)[0])
    assert found.slopes_pp_per_decade == pytest.approx(by_hand, abs=1e-8)
    assert found.n_replicates == len(by_hand) == len(found.replicates)
    assert found.slope_pp_per_decade == pytest.approx(np.mean(by_hand), abs=1e-8)
    assert found.left_out == tuple(name for name in dict.fromkeys(labels) if name not in found.replicates)
    if found.interval is None:
        assert np.std(by_hand) < 1e-8
        assert "are equal" in found.undefined_because
        return
    half = scipy.stats.t.ppf((1 + level) / 2, len(by_hand) - 1) * np.std(by_hand, ddof=1) / np.sqrt(len(by_hand))
    assert found.interval == pytest.approx((np.mean(by_hand) - half, np.mean(by_hand) + half), rel=1e-6, abs=1e-7)


@given(replicated(balanced=True))
def test_law_of_equal_designs_the_mean_is_the_slope_within_groups(rows):
    assert slopes_over_replicates(*rows).slope_pp_per_decade == pytest.approx(
        within_group_slope(*rows).slope_pp_per_decade, abs=1e-8
    )


@given(replicated())
def test_law_whatever_a_replicate_shares_leaves_no_trace(rows):
    sizes, rates, labels = rows
    shifts = dict(zip(dict.fromkeys(labels), (0.0, 0.5, -0.4, 0.2, 0.1, 0.3), strict=False))
    shifted = [r / 2 + shifts[label] for r, label in zip(rates, labels, strict=True)]
    one, other = slopes_over_replicates(*rows), slopes_over_replicates(sizes, shifted, labels, quantity="difference")
    assert other.slopes_pp_per_decade == pytest.approx(np.divide(one.slopes_pp_per_decade, 2), abs=1e-8)
    if one.interval is not None:
        assert other.interval == pytest.approx(np.divide(one.interval, 2), rel=1e-6, abs=1e-7)


@given(replicated(), st.randoms(use_true_random=False))
def test_law_order_and_names_are_irrelevant(rows, random):
    order = list(range(len(rows[0])))
    random.shuffle(order)
    sizes, rates, labels = ([column[i] for i in order] for column in rows)
    one, other = slopes_over_replicates(*rows), slopes_over_replicates(sizes, rates, [("seed", label) for label in labels])
    assert other.slope_pp_per_decade == pytest.approx(one.slope_pp_per_decade, abs=1e-8)
    if one.interval is not None:
        assert other.interval == pytest.approx(one.interval, rel=1e-6, abs=1e-7)


def test_a_replicate_of_two_sizes_has_a_slope_and_one_of_one_size_is_named():
    found = slopes_over_replicates([1, 10, 1, 10, 100, 10], [0.1, 0.2, 0.1, 0.3, 0.5, 0.9], list("aabbbc"))
    assert found.replicates == ("a", "b")
    assert found.slopes_pp_per_decade == pytest.approx((10, 20))
    assert found.left_out == ("c",)
    assert (found.n, found.n_replicates, found.residual_dof) == (6, 2, 1)


def test_two_replicates_are_enough_and_say_little():
    found = slopes_over_replicates(SIZES[:6], RATES[:6], SEEDS[:6])
    low, high = found.interval
    assert high - low == pytest.approx(2 * 12.706 * found.standard_error_pp_per_decade, rel=1e-4)


def test_equal_slopes_leave_no_interval():
    found = slopes_over_replicates(SIZES, [0.1, 0.2, 0.3] * 3, SEEDS)
    assert (found.standard_error_pp_per_decade, found.interval, found.p_value) == (None, None, None)
    assert "the slopes of the 3 replicates are equal" in found.undefined_because


def test_equivalence_takes_the_mean_with_replicates_as_units():
    flat = slopes_over_replicates(SIZES, [0.1, 0.11, 0.1, 0.2, 0.2, 0.21, 0.3, 0.29, 0.3], SEEDS)
    assert slope_equivalence_test(flat, margin_pp_per_decade=5).equivalent


def test_one_replicate_is_refused_with_its_number():
    with pytest.raises(
        InsufficientData, match=r"needs at least 2 with two distinct sizes, got 1 \('a'\) of 2; train another replicate"
    ):
        slopes_over_replicates([1, 3, 10, 3], [0.1, 0.2, 0.3, 0.2], list("aaab"))
    with pytest.raises(InsufficientData, match=r"got 1 .* of 1"):
        slopes_over_replicates([1, 3, 10], [0.1, 0.2, 0.3], list("aaa"))


def test_two_sizes_in_all_are_refused():
    with pytest.raises(InsufficientData, match="a slope needs at least 3 distinct sizes, got 2"):
        slopes_over_replicates([1, 3, 1, 3], [0.1, 0.2, 0.3, 0.2], list("aabb"))


def test_refuses_rates_below_zero_unless_they_are_differences():
    with pytest.raises(DomainError, match="rates must be fractions"):
        slopes_over_replicates(SIZES, [-r for r in RATES], SEEDS)
    mirrored = slopes_over_replicates(SIZES, [-r for r in RATES], SEEDS, quantity="difference")
    assert mirrored.slope_pp_per_decade == pytest.approx(-slopes_over_replicates(SIZES, RATES, SEEDS).slope_pp_per_decade)
    assert mirrored.quantity == "difference"


@pytest.mark.parametrize("bad", [None, "abc", 5])
def test_refuses_what_is_no_column_of_replicates(bad):
    with pytest.raises(DomainError, match="replicates must be a sequence of labels, one per model"):
        slopes_over_replicates(SIZES, RATES, bad)


def test_tilts_of_whole_replicates_are_covered_where_models_as_units_are_not():
    """5 replicates of 5 sizes whose slopes differ by 10 pp: models as independent units are too sure, replicates are not."""
    rng = np.random.default_rng(7)
    x, runs, held = np.log10(np.geomspace(1, 100, 5)), 400, np.zeros(2)
    labels = np.repeat(np.arange(5), 5)
    for _ in range(runs):
        slopes = rng.normal(0, 0.10, 5)
        y = np.clip((0.0 + slopes[:, None] * (x - x.mean()) + rng.normal(0, 0.02, (5, 5))).ravel(), -1, 1)
        sizes = np.tile(10**x, 5)
        ends = slopes_over_replicates(sizes, y, labels.tolist(), quantity="difference").interval
        models = log_scaling_slope(sizes, y, quantity="difference").interval
        held += [ends[0] <= 0 <= ends[1], models[0] <= 0 <= models[1]]
    assert held[0] / runs >= 0.92
    assert held[1] / runs <= 0.85
