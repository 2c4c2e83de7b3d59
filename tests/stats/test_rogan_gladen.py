"""The Rogan-Gladen correction."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import misclassification_matrix, newcombe_interval, rogan_gladen_rate, wilson_interval
from stats.agreement_strategies import rows_of


@st.composite
def samples_on_truth(draw):
    """Hits of so many true ones, rejections of so many true zeros; perfect and useless graders on purpose."""
    (hits, ones), (rejections, zeros) = draw(own.cells(max_trials=200)), draw(own.cells(max_trials=200))
    return (rejections, zeros - rejections), (ones - hits, hits)


def matrix_of(table, sampled_on="true", level=0.95):
    return misclassification_matrix(*rows_of(table), sampled_on=sampled_on, level=level)


def fits(t, table, k, n, level):
    """Whether 0 lies in the MOVER limits of t Se + (1 - t) FPR - q: the definition, rate by rate."""
    (n00, n01), (n10, n11) = table
    se, fpr, q = (wilson_interval(*pair, level=level) for pair in ((n11, n10 + n11), (n01, n00 + n01), (k, n)))
    d = t * se.estimate + (1 - t) * fpr.estimate - q.estimate
    below = math.hypot(t * (se.estimate - se.low), (1 - t) * (fpr.estimate - fpr.low), q.high - q.estimate)
    above = math.hypot(t * (se.high - se.estimate), (1 - t) * (fpr.high - fpr.estimate), q.estimate - q.low)
    return d - below <= 0 <= d + above


@given(samples_on_truth(), own.cells(), own.levels())
def test_every_rate_inside_fits_and_the_edges_are_sharp(table, cell, level):
    k, n = cell
    got = rogan_gladen_rate(k, n, matrix_of(table, level=level), level=level)
    if got.interval is None:
        assert got.undefined_because.startswith(("not identified", "contradiction"))
        assert got.estimate is None
        return
    low, high = got.interval
    assert 0 <= low <= high <= 1
    assert (low, high) != (0, 1)
    for t in np.linspace(low, high, 9):
        # a disconnected set is reported as its hull; its gap lies beyond the estimate, so test near the edges
        if t in (low, high) or abs(t - got.estimate) < 1e-6:
            assert fits(min(max(t, low + 1e-9), high - 1e-9) if high - low > 1e-8 else t, table, k, n, level)
    for outside in (low - 1e-6, high + 1e-6):
        if 0 <= outside <= 1:
            assert not fits(outside, table, k, n, level)


@given(samples_on_truth(), own.cells())
def test_the_estimate_solves_the_mixture(table, cell):
    k, n = cell
    got = rogan_gladen_rate(k, n, matrix_of(table))
    (n00, n01), (n10, n11) = table
    se, fpr = n11 / (n10 + n11), n01 / (n00 + n01)
    assert got.youden_j == pytest.approx(se - fpr, abs=1e-12)
    if got.unclipped is not None:
        assert got.unclipped * se + (1 - got.unclipped) * fpr == pytest.approx(k / n, abs=1e-9)
    if got.estimate is not None:
        assert got.estimate == min(1.0, max(0.0, got.unclipped))


@given(samples_on_truth(), own.cells(), own.levels())
def test_not_identified_exactly_where_newcombe_does_not_separate_j_from_zero(table, cell, level):
    (n00, n01), (n10, n11) = table
    got = rogan_gladen_rate(*cell, matrix_of(table, level=level), level=level)
    j = newcombe_interval(n11, n10 + n11, n01, n00 + n01, level=level)
    assert got.youden_interval == pytest.approx((j.low, j.high), abs=1e-9)
    if j.low <= 0 and abs(j.low) > 1e-9:
        assert (got.interval, got.estimate, got.standard_error) == (None, None, None)
        assert got.undefined_because.startswith("not identified")


def test_a_grader_that_tells_nothing_is_said_in_words():
    """J = .1 [-.09, .28] from 50 and 50 labels: an answer of [0, 1] would look like one."""
    got = rogan_gladen_rate(300, 1000, matrix_of(((35, 15), (30, 20))))
    assert got.youden_j == pytest.approx(0.1)
    assert (got.interval, got.estimate, got.standard_error) == (None, None, None)
    assert got.undefined_because.startswith("not identified: Youden's J is 0.100 [-0.0")
    assert "any true rate fits; label more traces or use another grader" in got.undefined_because
    exactly = rogan_gladen_rate(300, 1000, matrix_of(((25, 25), (25, 25))))
    assert (exactly.unclipped, exactly.fieller_g, exactly.youden_j) == (None, None, 0.0)


def test_swapped_labels_are_said_in_words():
    got = rogan_gladen_rate(300, 1000, matrix_of(((5, 45), (45, 5))))
    assert got.interval is None
    assert "below 0; the grader is worse than chance, or its labels are swapped" in got.undefined_because


def test_a_graded_rate_that_se_and_sp_cannot_give_is_a_contradiction():
    low = rogan_gladen_rate(0, 1000, matrix_of(((80, 20), (5, 95))))
    assert (low.interval, low.estimate) == (None, None)
    assert low.undefined_because.startswith("contradiction: the graded rate 0.000 lies outside")
    assert low.unclipped < 0
    high = rogan_gladen_rate(1000, 1000, matrix_of(((95, 5), (40, 60))))
    assert high.undefined_because.startswith("contradiction: the graded rate 1.000")


def test_j_separated_from_zero_may_still_leave_every_rate():
    """J = .29 [.002, .55], and yet every true rate fits."""
    table = next(
        ((20 - a, a), (20 - h, h))
        for h in range(20, 0, -1)
        for a in range(h)
        if newcombe_interval(h, 20, a, 20).low > 0 and all(fits(t, ((20 - a, a), (20 - h, h)), 6, 12, 0.95) for t in (0.0, 1.0))
    )
    got = rogan_gladen_rate(6, 12, matrix_of(table))
    assert got.youden_interval[0] > 0
    assert got.interval is None
    assert got.undefined_because.startswith("not identified: every true rate from 0 to 1 fits")


def test_delta_method_only_far_from_zero():
    """Se 450/500, Sp 460/500: the textbook formula; with 20 and 20 labels g is too large for it."""
    table = ((460, 40), (50, 450))
    got = rogan_gladen_rate(300, 1000, matrix_of(table))
    se, fpr, q, j = 0.9, 0.08, 0.3, 0.82
    theta = (q - fpr) / j
    variance = (q * (1 - q) / 1000 + theta**2 * se * (1 - se) / 500 + (1 - theta) ** 2 * fpr * (1 - fpr) / 500) / j**2
    assert got.standard_error == pytest.approx(math.sqrt(variance))
    assert got.fieller_g == pytest.approx(1.959963984540054**2 * (se * 0.1 / 500 + fpr * 0.92 / 500) / j**2)
    assert got.interval == pytest.approx((theta - 1.96 * math.sqrt(variance), theta + 1.96 * math.sqrt(variance)), abs=3e-3)
    weak = rogan_gladen_rate(300, 1000, matrix_of(((14, 6), (6, 14))))
    assert weak.fieller_g > 0.05
    assert weak.standard_error is None
    perfect = rogan_gladen_rate(300, 1000, matrix_of(((50, 0), (0, 50))))
    assert (perfect.standard_error, perfect.fieller_g) == (None, None)
    assert perfect.interval[0] < 0.27


@given(samples_on_truth(), own.cells())
def test_law_calling_success_failure_mirrors_everything(table, cell):
    (n00, n01), (n10, n11) = table
    k, n = cell
    got, mirrored = rogan_gladen_rate(k, n, matrix_of(table)), rogan_gladen_rate(n - k, n, matrix_of(((n11, n10), (n01, n00))))
    assert got.youden_j == pytest.approx(mirrored.youden_j, abs=1e-12)
    if got.interval is None or mirrored.interval is None:
        # an edge exactly at 0 may fall on either side by its last bit
        assert got.interval is mirrored.interval is None or abs(got.youden_interval[0]) < 1e-9
        return
    assert got.interval == pytest.approx((1 - mirrored.interval[1], 1 - mirrored.interval[0]), abs=1e-7)


def test_differential_rogan_gladen():
    """2,000 random cases against a scan of 201 rates that knows nothing of bisection."""
    rng = np.random.default_rng(20260630)
    told = 0
    grid = np.linspace(0, 1, 201)
    for _ in range(2000):
        ones, zeros, n = (int(x) for x in rng.integers(5, 80, 3))
        h, a = int(rng.binomial(ones, rng.uniform(0.4, 1))), int(rng.binomial(zeros, rng.uniform(0, 0.5)))
        k = int(rng.integers(0, n + 1))
        got = rogan_gladen_rate(k, n, matrix_of(((zeros - a, a), (ones - h, h))))
        if got.interval is None:
            continue
        se, fpr, q = wilson_interval(h, ones), wilson_interval(a, zeros), wilson_interval(k, n)
        d = grid * se.estimate + (1 - grid) * fpr.estimate - q.estimate
        below = np.sqrt(
            (grid * (se.estimate - se.low)) ** 2 + ((1 - grid) * (fpr.estimate - fpr.low)) ** 2 + (q.high - q.estimate) ** 2
        )
        above = np.sqrt(
            (grid * (se.high - se.estimate)) ** 2 + ((1 - grid) * (fpr.high - fpr.estimate)) ** 2 + (q.estimate - q.low) ** 2
        )
        inside = grid[(d - below <= 0) & (d + above >= 0)]
        if len(inside):
            assert got.interval[0] == pytest.approx(inside.min(), abs=0.0051)
            assert got.interval[1] == pytest.approx(inside.max(), abs=0.0051)
            told += 1
    assert told > 1000


@pytest.mark.slow
def test_coverage_counts_silence_as_silence():
    """Where an interval is told it holds the rate; near J = 0 it is rarely told."""
    rng = np.random.default_rng(6)
    for prevalence, se, sp, floor in ((0.3, 0.9, 0.9, 0.93), (0.1, 0.8, 0.97, 0.93), (0.3, 0.55, 0.6, 0.0)):
        held = told = 0
        for _ in range(1000):
            h, r = rng.binomial(50, se), rng.binomial(50, sp)
            k = rng.binomial(2000, prevalence * se + (1 - prevalence) * (1 - sp))
            got = rogan_gladen_rate(int(k), 2000, matrix_of(((r, 50 - r), (50 - h, h))))
            if got.interval:
                told += 1
                held += got.interval[0] <= prevalence <= got.interval[1]
        print(f"rate {prevalence}, J {se + sp - 1:.2f}: told {told / 1000:.3f}, coverage where told {held / max(told, 1):.3f}")
        assert held >= floor * told
        assert told > 950 if floor else told < 500


def test_refuses():
    with pytest.raises(DomainError, match=r"tell PPV and NPV directly.*use corrected_rate"):
        rogan_gladen_rate(3, 10, matrix_of(((9, 1), (1, 9)), "graded"))
    with pytest.raises(DomainError, match=r"Se and Sp are not both known .no row that is truly 0 was sampled"):
        rogan_gladen_rate(3, 10, misclassification_matrix([1, 1], [1, 0], sampled_on="true"))
    with pytest.raises(DomainError, match=r"level 0.9 is not the matrix's 0.95"):
        rogan_gladen_rate(3, 10, matrix_of(((9, 1), (1, 9))), level=0.9)
    with pytest.raises(DomainError, match="successes must not exceed trials, got 11 of 10"):
        rogan_gladen_rate(11, 10, matrix_of(((9, 1), (1, 9))))


def test_a_random_sample_serves_as_well_and_inputs_are_carried():
    matrix = matrix_of(((46, 4), (5, 45)), "nothing")
    got = rogan_gladen_rate(300, 1000, matrix)
    assert got.interval == rogan_gladen_rate(300, 1000, matrix_of(((46, 4), (5, 45)))).interval
    assert (got.graded_positives, got.graded_trials, got.graded_rate, got.matrix) == (300, 1000, 0.3, matrix)
