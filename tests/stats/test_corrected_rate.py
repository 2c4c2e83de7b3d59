"""Corrected rates: post-stratified by the graded label, and PPI++."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import corrected_rate, misclassification_matrix, ppi_rate, wilson_interval
from stats.agreement_strategies import rows_of, validation_tables

# graded traces beside the labelled ones
MORE = st.integers(0, 4000)


def matrix_of(table, sampled_on="graded", level=0.95, **options):
    return misclassification_matrix(*rows_of(table), sampled_on=sampled_on, level=level, **options)


def graded_counts(table, more_1, more_0):
    """Graded positives and negatives, the labelled among them."""
    (n00, n01), (n10, n11) = table
    return n01 + n11 + more_1, n00 + n10 + more_0


@given(validation_tables(), MORE, MORE)
def test_is_the_law_of_total_probability(table, more_1, more_0):
    (n00, n01), (n10, n11) = table
    n1, n0 = graded_counts(table, more_1, more_0)
    got = corrected_rate(n1, n0, matrix_of(table))
    ppv, missed, n = n11 / (n01 + n11), n10 / (n00 + n10), n1 + n0
    assert got.estimate == pytest.approx((n1 * ppv + n0 * missed) / n, abs=1e-12)
    assert got.graded_rate == n1 / n
    if 0 < ppv < 1 and 0 < missed < 1:
        variance = (n1 / n) ** 2 * ppv * (1 - ppv) / (n01 + n11) + (n0 / n) ** 2 * missed * (1 - missed) / (n00 + n10)
        variance += n1 * n0 / n**2 * (ppv - missed) ** 2 / n
        assert got.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)
    else:
        assert got.standard_error is None


@given(validation_tables(), MORE, MORE, own.levels())
def test_limits_are_the_mover_of_their_parts(table, more_1, more_0, level):
    (n00, n01), (n10, n11) = table
    n1, n0 = graded_counts(table, more_1, more_0)
    got = corrected_rate(n1, n0, matrix_of(table, level=level), level=level)
    n = n1 + n0
    one, zero = wilson_interval(n11, n01 + n11, level=level), wilson_interval(n10, n00 + n10, level=level)
    share = wilson_interval(n1, n, level=level)
    slope = one.estimate - zero.estimate
    share_down, share_up = share.estimate - share.low, share.high - share.estimate
    if slope < 0:
        share_down, share_up = share_up, share_down
    below = math.hypot(n1 / n * (one.estimate - one.low), n0 / n * (zero.estimate - zero.low), slope * share_down)
    above = math.hypot(n1 / n * (one.high - one.estimate), n0 / n * (zero.high - zero.estimate), slope * share_up)
    assert got.low == pytest.approx(max(0.0, got.estimate - below), abs=1e-10)
    assert got.high == pytest.approx(min(1.0, got.estimate + above), abs=1e-10)
    assert got.low < got.high


def test_no_miss_among_few_negatives_leaves_room_for_many():
    """PPV 20/20 and 0 misses of 20: the delta method would say +-0; 1,900 negatives may hide 16 %."""
    got = corrected_rate(100, 1900, matrix_of(((20, 0), (0, 20))))
    assert got.estimate == pytest.approx(0.05)
    assert got.standard_error is None
    assert got.high == pytest.approx(0.05 + 0.95 * wilson_interval(0, 20).high, abs=0.01)


def test_a_perfect_grader_fully_validated_gives_the_graded_rate():
    got = corrected_rate(3000, 7000, matrix_of(((7000, 0), (0, 3000))))
    assert got.estimate == pytest.approx(0.3)
    assert (got.low, got.high) == pytest.approx((wilson_interval(3000, 10_000).low, wilson_interval(3000, 10_000).high), abs=1e-3)


def test_all_traces_graded_alike_needs_that_label_only():
    only_negatives = misclassification_matrix([0] * 48 + [1] * 2, [0] * 50, sampled_on="graded")
    got = corrected_rate(0, 500, only_negatives)
    assert got.estimate == pytest.approx(0.04)
    assert got.high >= wilson_interval(2, 50).high
    assert got.low == pytest.approx(wilson_interval(2, 50).low, abs=1e-9)
    with pytest.raises(InsufficientData, match="3 traces were graded 1 and none of that label was validated"):
        corrected_rate(3, 500, only_negatives)
    only_positives = misclassification_matrix([0] * 10 + [1] * 40, [1] * 50, sampled_on="graded")
    assert corrected_rate(500, 0, only_positives).estimate == pytest.approx(0.8)


@given(validation_tables(), st.integers(0, 2000), st.integers(0, 2000), st.sampled_from(["tuned", 0.0, 1.0]))
def test_ppi_takes_the_labelled_out_of_the_graded_counts(table, more_0, more_1, lam):
    (n00, n01), (n10, n11) = table
    if lam == 1.0 and more_0 + more_1 == 0:
        return
    matrix, cell = matrix_of(table, "nothing"), {"unlabelled_positives": more_1, "unlabelled_trials": more_0 + more_1}
    try:
        expected = ppi_rate(table, **cell, lam=lam)
    except DomainError:
        return
    got = corrected_rate(n01 + n11 + more_1, n00 + n10 + more_0, matrix, method="ppi++", lam=lam)
    assert (got.estimate, got.low, got.high, got.standard_error, got.lam) == (
        expected.estimate, expected.low, expected.high, expected.standard_error, expected.lam,
    )  # fmt: skip
    assert got.method == "ppi++"


def test_the_two_methods_agree_on_a_large_random_sample():
    """For binary labels the tuned estimate is the post-stratified one up to the choice of n or N in its covariances."""
    matrix = matrix_of(((6300, 700), (600, 2400)), "nothing")
    one, two = corrected_rate(31_500, 68_500, matrix), corrected_rate(31_500, 68_500, matrix, method="ppi++")
    assert one.estimate == pytest.approx(two.estimate, abs=5e-4)
    assert one.standard_error == pytest.approx(two.standard_error, rel=0.02)


@given(validation_tables(), MORE, MORE)
def test_law_calling_success_failure_mirrors_everything(table, more_1, more_0):
    (n00, n01), (n10, n11) = table
    n1, n0 = graded_counts(table, more_1, more_0)
    got, mirrored = corrected_rate(n1, n0, matrix_of(table)), corrected_rate(n0, n1, matrix_of(((n11, n10), (n01, n00))))
    assert (got.estimate, got.low, got.high) == pytest.approx(
        (1 - mirrored.estimate, 1 - mirrored.high, 1 - mirrored.low), abs=1e-9
    )


@given(validation_tables(max_count=15), MORE, MORE, st.integers(2, 5))
def test_law_more_labels_of_the_same_kind_never_widen(table, more_1, more_0, times):
    more = tuple(tuple(times * count for count in row) for row in table)
    n1, n0 = graded_counts(more, more_1, more_0)
    one, two = corrected_rate(n1, n0, matrix_of(table)), corrected_rate(n1, n0, matrix_of(more))
    assert two.high - two.low <= one.high - one.low + 1e-12


def test_differential_corrected_rate():
    """2,000 random samples: the same estimate by imputing every graded trace from the labelled of its label."""
    rng = np.random.default_rng(20260630)
    for _ in range(2000):
        table = rng.integers(1, 40, (2, 2))
        n1, n0 = graded_counts(table.tolist(), *(int(n) for n in rng.integers(1, 900, 2)))
        got = corrected_rate(n1, n0, matrix_of(tuple(map(tuple, table.tolist()))))
        imputed = np.concatenate([np.full(n1, table[1, 1] / table[:, 1].sum()), np.full(n0, table[1, 0] / table[:, 0].sum())])
        assert got.estimate == pytest.approx(imputed.mean(), abs=1e-10)
        sampled = sum(
            (n / (n1 + n0)) ** 2 * np.array([1] * table[1, label] + [0] * table[0, label]).var() / table[:, label].sum()
            for label, n in ((1, n1), (0, n0))
        )
        assert got.standard_error == pytest.approx(math.sqrt(sampled + imputed.var() / (n1 + n0)), rel=1e-9)


@pytest.mark.slow
def test_coverage_of_the_post_stratified_rate():
    """50 labels per verdict of 2,000 traces, or all where there are fewer: never below .93."""
    rng = np.random.default_rng(4)
    for prevalence, se, sp in ((0.3, 0.9, 0.9), (0.1, 0.8, 0.97), (0.03, 0.9, 0.99), (0.5, 0.6, 0.9)):
        held = 0
        for _ in range(1500):
            n1 = rng.binomial(2000, prevalence * se + (1 - prevalence) * (1 - sp))
            ppv = prevalence * se / (prevalence * se + (1 - prevalence) * (1 - sp))
            missed = prevalence * (1 - se) / (prevalence * (1 - se) + (1 - prevalence) * sp)
            positives = min(50, n1)
            hits, misses = rng.binomial(positives, ppv), rng.binomial(50, missed)
            got = corrected_rate(n1, 2000 - n1, matrix_of(((50 - misses, positives - hits), (misses, hits))))
            held += got.low <= prevalence <= got.high
        print(prevalence, se, sp, held / 1500)
        assert held >= 0.93 * 1500


def test_refuses():
    graded, simple = matrix_of(((9, 1), (1, 9))), matrix_of(((9, 1), (1, 9)), "nothing")
    with pytest.raises(DomainError, match="tell Se and Sp, not the PPV and NPV of these traces; use rogan_gladen_rate"):
        corrected_rate(10, 10, matrix_of(((9, 1), (1, 9)), "true"))
    with pytest.raises(DomainError, match="not the PPV and NPV"):
        corrected_rate(10, 10, matrix_of(((9, 1), (1, 9)), "true", stratum_sizes={0: 20, 1: 20}))
    with pytest.raises(DomainError, match=r"'ppi\+\+' needs a simple random sample, got rows sampled on 'graded'"):
        corrected_rate(10, 10, graded, method="ppi++")
    with pytest.raises(DomainError, match="graded_positives must count the 10 labelled ones among them, got 9"):
        corrected_rate(9, 10, simple, method="ppi++")
    with pytest.raises(DomainError, match="graded_negatives must count the 10 labelled ones"):
        corrected_rate(10, 9, simple, method="ppi++")
    with pytest.raises(DomainError, match=r"level 0.9 is not the matrix's 0.95"):
        corrected_rate(10, 10, graded, level=0.9)
    with pytest.raises(InsufficientData, match="no trace was graded"):
        corrected_rate(0, 0, graded)
    with pytest.raises(DomainError, match="method must be one of 'post_stratified'"):
        corrected_rate(1, 1, graded, method="rogan_gladen")
    with pytest.raises(DomainError, match="graded_positives must not be negative"):
        corrected_rate(-1, 1, graded)


LABELS = [1] * 45 + [0] * 5 + [1] * 3 + [0] * 47, [1] * 50 + [0] * 50


@pytest.mark.parametrize(
    ("n1", "n0", "message"),
    [
        (1, 5, "graded_negatives must count the 50 labelled ones among them, got 5"),
        (49, 1800, "graded_positives must count the 50 labelled ones among them, got 49"),
        (
            1900,
            100,
            r"graded_negatives must count the 1800 traces behind the validation sample .*, got 100; .* label some of these",
        ),
        (199, 1800, "graded_positives must count the 200 traces behind the validation sample"),
    ],
)
def test_refuses_counts_that_the_matrix_contradicts(n1, n0, message):
    matrix = misclassification_matrix(*LABELS, sampled_on="graded", stratum_sizes={0: 1800, 1: 200})
    with pytest.raises(DomainError, match=message):
        corrected_rate(n1, n0, matrix)


def test_refuses_fewer_traces_than_the_strata_behind_the_sample_hold():
    strata = ["a"] * 50 + ["b"] * 50
    matrix = misclassification_matrix(*LABELS, sampled_on="strata", strata=strata, stratum_sizes={"a": 200, "b": 1800})
    with pytest.raises(DomainError, match="graded traces must count the 2000 traces behind the validation sample"):
        corrected_rate(250, 1749, matrix)
    assert corrected_rate(250, 1750, matrix).estimate == pytest.approx((250 * 0.9 + 1750 * 0.06) / 2000)


def test_exactly_the_labelled_and_more_than_the_strata_are_answered():
    unweighted = misclassification_matrix(*LABELS, sampled_on="graded")
    assert corrected_rate(50, 50, unweighted).estimate == pytest.approx(0.48)
    grown = misclassification_matrix(*LABELS, sampled_on="graded", stratum_sizes={0: 1800, 1: 200})
    assert corrected_rate(300, 2700, grown).estimate == pytest.approx(0.1 * 0.9 + 0.9 * 0.06)


def test_carries_its_inputs():
    matrix = matrix_of(((9, 1), (1, 9)))
    got = corrected_rate(30, 70, matrix)
    assert (got.graded_positives, got.graded_negatives, got.matrix, got.level, got.method, got.lam) == (
        30,
        70,
        matrix,
        0.95,
        "post_stratified",
        None,
    )
