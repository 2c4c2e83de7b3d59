"""Cohen's kappa."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import cohen_kappa, cohen_kappa_table
from stats.agreement_strategies import square_tables

WEIGHTS = [None, "linear", "quadratic"]


def weight(i, j, q, weights):
    apart = Fraction(abs(i - j), q - 1)
    return Fraction(int(i == j)) if weights is None else 1 - (apart if weights == "linear" else apart**2)


def by_definition(table, weights):
    """Observed and expected agreement by loops over pairs of categories, in exact fractions."""
    q, n = len(table), sum(map(sum, table))
    rows = [Fraction(sum(row), n) for row in table]
    columns = [Fraction(sum(row[j] for row in table), n) for j in range(q)]
    po = sum(weight(i, j, q, weights) * Fraction(table[i][j], n) for i in range(q) for j in range(q))
    pe = sum(weight(i, j, q, weights) * rows[i] * columns[j] for i in range(q) for j in range(q))
    return po, pe


def expand(table):
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [i for i, _ in pairs], [j for _, j in pairs]


@pytest.mark.parametrize("weights", WEIGHTS)
@given(square_tables())
def test_is_the_definition(weights, table):
    got = cohen_kappa_table(table, weights=weights)
    po, pe = by_definition(table, weights)
    assert got.observed_agreement == pytest.approx(float(po), abs=1e-14)
    assert got.expected_agreement == pytest.approx(float(pe), abs=1e-14)
    if pe == 1:
        assert got.kappa is None
        assert "0/0" in got.undefined_because
    else:
        assert got.kappa == pytest.approx(float((po - pe) / (1 - pe)), abs=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_standard_error_is_the_derivative_of_kappa(weights):
    """The delta method by finite differences of kappa in each cell: sum p g^2 - (sum p g)^2 over n."""
    table = np.array([[40, 6, 1], [5, 20, 4], [2, 3, 19]])
    n, q, step = table.sum(), 3, 1e-6

    def kappa(p):
        p = p / p.sum()
        w = np.array([[float(weight(i, j, q, weights)) for j in range(q)] for i in range(q)])
        pe = p.sum(axis=1) @ w @ p.sum(axis=0)
        return ((w * p).sum() - pe) / (1 - pe)

    p, gradient = table / n, np.zeros((q, q))
    for i in range(q):
        for j in range(q):
            up, down = p.copy(), p.copy()
            up[i, j] += step
            down[i, j] -= step
            gradient[i, j] = (kappa(up) - kappa(down)) / (2 * step)
    variance = ((p * gradient**2).sum() - (p * gradient).sum() ** 2) / n
    assert cohen_kappa_table(table, weights=weights).standard_error == pytest.approx(math.sqrt(variance), rel=1e-6)


def test_matches_the_vignette_of_irr_cac():
    """
    irrCAC (R), vignette "overview", table cont3x3abstractors:
    kappa2.table(cont3x3abstractors)
      Cohen's Kappa 0.7964094 0.05891072 (0.68,0.913)
    """
    got = cohen_kappa_table([[13, 0, 0], [0, 20, 7], [0, 4, 56]], method="delta")
    assert round(got.kappa, 7) == 0.7964094
    assert round(got.standard_error, 8) == 0.05891072
    # their t with 99 degrees of freedom, our z: a hair narrower
    assert got.interval == pytest.approx((0.680, 0.913), abs=2e-3)


def test_score_and_delta_intervals_put_back():
    """ "delta" is kappa +- z s; "score" solves 4 (x0 - x)^2 m = z^2 4 x (1 - x), x = (1 + kappa) / 2, m the effective size."""
    table, z = [[20, 5], [10, 15]], 1.959963984540054
    delta, score = (cohen_kappa_table(table, method=method) for method in ("delta", "score"))
    assert delta.standard_error == score.standard_error
    k, s = delta.kappa, delta.standard_error
    assert delta.interval == pytest.approx((k - z * s, k + z * s), abs=1e-12)
    x0 = (1 + k) / 2
    m = 4 * x0 * (1 - x0) / s**2
    for bound in score.interval:
        x = (1 + bound) / 2
        assert m * (x0 - x) ** 2 == pytest.approx(z**2 * x * (1 - x), rel=1e-9)
    assert (delta.interval_method, score.interval_method) == ("delta", "score")


def test_one_label_from_both_is_undefined_in_words():
    """The trap of statsmodels (NaN) and of scikit-learn (0 by decree)."""
    got = cohen_kappa(["no"] * 7, ["no"] * 7)
    assert (got.kappa, got.standard_error, got.interval, got.interval_method) == (None, None, None, None)
    assert got.undefined_because == "both graders called all 7 traces 'no': agreement beyond chance is 0/0; report the agreement"
    assert (got.observed_agreement, got.expected_agreement, got.n) == (1.0, 1.0, 7)
    assert cohen_kappa(["no"], ["no"], categories=("yes", "no")).kappa is None


def test_a_grader_of_one_label_gives_zero_and_no_interval():
    """refusal_direction has such files: kappa is 0 whatever the other grader says, which is no evidence."""
    got = cohen_kappa([1] * 100, [1] * 78 + [0] * 22)
    assert (got.kappa, got.interval, got.standard_error) == (0.0, None, None)
    assert "the first grader called all 100 traces 1" in got.undefined_because
    assert "the second grader" in cohen_kappa([0, 1], [0, 0]).undefined_because
    assert cohen_kappa([0, 0], [1, 1]).kappa == 0.0


def test_perfect_agreement_is_not_certainty():
    """No disagreement in 20 traces: Wilson's bound of the agreement, not [1, 1]."""
    got = cohen_kappa([0] * 10 + [1] * 10, [0] * 10 + [1] * 10)
    assert (got.kappa, got.standard_error, got.interval_method) == (1.0, None, "wilson")
    agreement = 20 / (20 + 1.959963984540054**2)
    assert got.interval == pytest.approx(((agreement - 0.5) / 0.5, 1.0))
    opposite = cohen_kappa([0] * 10 + [1] * 10, [1] * 10 + [0] * 10)
    assert opposite.kappa == -1.0
    assert opposite.interval == pytest.approx((-1.0, (1 - agreement - 0.5) / 0.5))


def test_an_unused_category_lies_between():
    """A label that nobody used still counts in a distance: 0 and 2 are two steps apart."""
    a, b = [0, 0, 2, 2], [0, 2, 2, 2]
    assert cohen_kappa(a, b, weights="linear", categories=(0, 1, 2)).weights == "linear"
    far = cohen_kappa([0, 1, 3, 3], [0, 3, 3, 3], weights="quadratic", categories=(0, 1, 2, 3))
    near = cohen_kappa([0, 1, 3, 3], [0, 3, 3, 3], weights="quadratic", categories=(0, 1, 3))
    assert far.kappa != pytest.approx(near.kappa, abs=0.01)


@given(square_tables(), st.sampled_from(WEIGHTS), own.levels())
def test_law_swapping_the_graders_changes_nothing(table, weights, level):
    got = cohen_kappa_table(table, weights=weights, level=level)
    other = cohen_kappa_table(np.transpose(table), weights=weights, level=level)
    for name in ("kappa", "standard_error", "observed_agreement", "expected_agreement"):
        assert getattr(got, name) == pytest.approx(getattr(other, name), abs=1e-9)
    assert (got.interval is None) == (other.interval is None)
    if got.interval:
        assert got.interval == pytest.approx(other.interval, abs=1e-7)


@given(square_tables(), st.sampled_from(WEIGHTS), own.levels(), st.sampled_from(["score", "delta"]))
def test_law_interval_lies_around_kappa_and_is_never_a_point(table, weights, level, method):
    got = cohen_kappa_table(table, weights=weights, level=level, method=method)
    if got.interval is None:
        assert got.undefined_because
        assert got.kappa in (None, 0.0)
        return
    low, high = got.interval
    assert -1 <= low <= got.kappa + 1e-12
    assert got.kappa - 1e-12 <= high <= 1
    assert high - low > 0


@given(square_tables(), st.randoms(use_true_random=False))
def test_law_labels_and_order_of_traces_are_names_only(table, random):
    pairs = list(zip(*expand(table), strict=True))
    random.shuffle(pairs)
    names = ["HR", "C", "R", "P"]
    got = cohen_kappa([names[i] for i, _ in pairs], [names[j] for _, j in pairs])
    expected = cohen_kappa_table(table).kappa
    assert got.kappa == (pytest.approx(expected, abs=1e-12) if expected is not None else None)


@given(square_tables(max_count=12), st.integers(2, 4))
def test_law_replicating_the_traces_keeps_kappa_and_narrows(table, times):
    once, more = cohen_kappa_table(table), cohen_kappa_table(times * np.array(table))
    assert more.kappa == (pytest.approx(once.kappa, abs=1e-12) if once.kappa is not None else None)
    if once.standard_error is not None and more.standard_error is not None:
        assert more.standard_error == pytest.approx(once.standard_error / math.sqrt(times), rel=1e-9)
    if once.interval and once.interval_method == more.interval_method:
        assert more.interval[1] - more.interval[0] < once.interval[1] - once.interval[0] + 1e-12


@given(square_tables(max_categories=2))
def test_law_weights_mean_nothing_with_two_labels(table):
    if len(table) == 2:
        plain = cohen_kappa_table(table)
        for weights in ("linear", "quadratic"):
            weighted = cohen_kappa_table(table, weights=weights)
            assert (weighted.kappa, weighted.interval) == (plain.kappa, plain.interval)


def test_differential_cohen_kappa():
    """2,000 random tables against the definition in fractions and the variance in Fleiss's own symbols, by loops."""
    rng = np.random.default_rng(20260630)
    seen = 0
    for _ in range(2000):
        q = int(rng.integers(2, 5))
        weights = WEIGHTS[int(rng.integers(3))]
        table = rng.integers(0, 25, (q, q)).tolist()
        if sum(map(sum, table)) == 0:
            continue
        got = cohen_kappa_table(table, weights=weights)
        po, pe = map(float, by_definition(table, weights))
        if got.standard_error is None:
            continue
        n = sum(map(sum, table))
        w = [[float(weight(i, j, q, weights)) for j in range(q)] for i in range(q)]
        rows, columns = [sum(row) / n for row in table], [sum(row[j] for row in table) / n for j in range(q)]
        w_row = [sum(columns[j] * w[i][j] for j in range(q)) for i in range(q)]
        w_column = [sum(rows[i] * w[i][j] for i in range(q)) for j in range(q)]
        total = 0.0
        for i in range(q):
            for j in range(q):
                total += table[i][j] / n * (w[i][j] * (1 - pe) - (w_row[i] + w_column[j]) * (1 - po)) ** 2
        variance = (total - (po * pe - 2 * pe + po) ** 2) / (n * (1 - pe) ** 4)
        assert got.kappa == pytest.approx((po - pe) / (1 - pe), abs=1e-12)
        assert got.standard_error == pytest.approx(math.sqrt(variance), rel=1e-7)
        seen += 1
    assert seen > 1900


@pytest.mark.slow
def test_coverage_of_the_score_interval():
    """Two graders with Se .9, Sp .95 of a truth: at least .93 at each size (the "delta" form falls to .90 at n = 50)."""
    rng = np.random.default_rng(1)
    prevalence, se, sp = 0.2, 0.9, 0.95
    joint = np.array(
        [
            [prevalence * a * b + (1 - prevalence) * c * d for b, d in ((1 - se, sp), (se, 1 - sp))]
            for a, c in ((1 - se, sp), (se, 1 - sp))
        ]
    )
    po, pe = np.trace(joint), joint.sum(axis=0) @ joint.sum(axis=1)
    truth = (po - pe) / (1 - pe)
    for n in (50, 200):
        found = [cohen_kappa_table(t.reshape(2, 2)).interval for t in rng.multinomial(n, joint.ravel(), size=2000)]
        told = [bounds for bounds in found if bounds]
        assert len(told) > 1950
        coverage = np.mean([low <= truth <= high for low, high in told])
        print(f"kappa {truth:.3f}, n = {n}: coverage {coverage:.3f}")
        assert coverage > 0.93


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        ([0, 1], [0], {}, "same length, got 2 and 1"),
        ([], [], {}, "at least one trace that both graders labelled, got none"),
        ([0, None], [0, 1], {}, "a has no label at position 1; leave the pair out"),
        ([0, 1], [0, math.nan], {}, "b must hold labels, got nan at position 1"),
        ("yes", "yes", {}, "a must be a sequence of labels, got the text 'yes'"),
        ([[0], [1]], [0, 1], {}, r"a must hold labels, got \[0\] at position 0"),
        ([0, 1], [0, 1], {"weights": "linear"}, r"linear weights need categories=\(...\) in their order"),
        ([0, 1], [0, 1], {"weights": "cubic"}, "weights must be one of 'linear', 'quadratic', got 'cubic'"),
        ([0, 1], [0, 1], {"categories": (0,)}, "the label 1 is not among the categories"),
        ([0, 1], [0, 1], {"categories": (0, 1, 1)}, "categories must be distinct"),
        ([0, 1], [0, 1], {"level": 95}, "95 % is written 0.95"),
        ([0, 1], [0, 1], {"method": "wald"}, "method must be one of 'score', 'delta'"),
    ],
)
def test_refuses_labels(a, b, options, message):
    with pytest.raises(DomainError, match=message):
        cohen_kappa(a, b, **options)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, 2]], r"square, one row and one column per category, got shape \(1, 2\)"),
        ([[0, 0], [0, 0]], "holds no trace"),
        ([[0.5, 0], [0, 0.5]], "whole numbers, got dtype float64; convert exact counts"),
        ([[1, -1], [0, 2]], "must not be negative, got -1 at position"),
    ],
)
def test_refuses_tables(table, message):
    with pytest.raises(DomainError, match=message):
        cohen_kappa_table(table)


def test_carries_its_inputs():
    got = cohen_kappa(["r", "c", "c"], ["c", "c", "r"], level=0.9)
    assert (got.categories, got.table, got.n, got.level) == (("r", "c"), ((0, 1), (1, 1)), 3, 0.9)
    with pytest.raises(DomainError, match="categories and the rows of table must have the same length, got 3 and 2"):
        cohen_kappa_table([[1, 0], [0, 1]], categories=(0, 1, 2))
