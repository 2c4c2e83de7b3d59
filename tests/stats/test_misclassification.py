"""Misclassification from designed validation samples."""

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import misclassification_by_condition, misclassification_matrix, wilson_interval
from stats.agreement_strategies import rows_of, validation_tables

RATES = ("sensitivity", "specificity", "ppv", "npv", "prevalence")


def wilson(rate):
    return rate.estimate, rate.low, rate.high


def wilson_of(k, n, level=0.95):
    got = wilson_interval(k, n, level=level)
    return pytest.approx((got.estimate, got.low, got.high), abs=1e-12)


@given(validation_tables(), own.levels())
def test_a_simple_random_sample_tells_all_five_by_wilson(table, level):
    (n00, n01), (n10, n11) = table
    got = misclassification_matrix(*rows_of(table), sampled_on="nothing", level=level)
    margins = ((n11, n10 + n11), (n00, n00 + n01), (n11, n01 + n11), (n00, n00 + n10), (n10 + n11, n00 + n01 + n10 + n11))
    for name, (k, n) in zip(RATES, margins, strict=True):
        rate = getattr(got, name)
        if n == 0:
            assert rate.estimate is None
            assert "was sampled" in rate.undefined_because
        else:
            assert wilson(rate) == wilson_of(k, n, level)
    assert got.table == table
    assert sum(map(sum, got.shares)) == pytest.approx(1)


@given(validation_tables())
def test_sampled_on_the_graded_label_tells_ppv_and_npv_only(table):
    (n00, n01), (n10, n11) = table
    got = misclassification_matrix(*rows_of(table), sampled_on="graded")
    assert wilson(got.ppv) == wilson_of(n11, n01 + n11)
    assert wilson(got.npv) == wilson_of(n00, n00 + n10)
    for name in ("sensitivity", "specificity", "prevalence"):
        rate = getattr(got, name)
        assert wilson(rate) == (None, None, None)
        assert rate.undefined_because == "rows were sampled on the graded label; give stratum_sizes to weight them"
    assert got.shares is None


@given(validation_tables(), st.integers(0, 5000), st.integers(0, 5000))
def test_with_sizes_the_graded_sample_tells_se_and_sp_by_bayes(table, more_0, more_1):
    (n00, n01), (n10, n11) = table
    size_0, size_1 = n00 + n10 + more_0, n01 + n11 + more_1
    got = misclassification_matrix(*rows_of(table), sampled_on="graded", stratum_sizes={0: size_0, 1: size_1})
    ppv, missed = n11 / (n01 + n11), n10 / (n00 + n10)
    hits, misses = size_1 * ppv, size_0 * missed
    if hits + misses:
        assert got.sensitivity.estimate == pytest.approx(hits / (hits + misses))
    rejections, alarms = size_0 * (1 - missed), size_1 * (1 - ppv)
    if rejections + alarms:
        assert got.specificity.estimate == pytest.approx(rejections / (rejections + alarms))
    assert got.prevalence.estimate == pytest.approx((hits + misses) / (size_0 + size_1))
    assert np.array(got.shares) * (size_0 + size_1) == pytest.approx(np.array([[rejections, alarms], [misses, hits]]))
    assert wilson(got.ppv) == wilson_of(n11, n01 + n11)


@given(validation_tables(), st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([0.8, 0.95]))
def test_limits_of_se_and_sp_solve_donner_and_zous_equation(table, more_0, more_1, level):
    """
    (A - L B)^2 = below^2 + L^2 above^2 - 2 L joint, put back: A = W1 PPV and B = W0 (1 - NPV), each with its Wilson
    limits, and the drawing of W1 adds z^2 W1 W0 / N (PPV^2, (1 - NPV)^2, -PPV (1 - NPV)).
    """
    (n00, n01), (n10, n11) = table
    sizes = {0: n00 + n10 + more_0, 1: n01 + n11 + more_1}
    got = misclassification_matrix(*rows_of(table), sampled_on="graded", stratum_sizes=sizes, level=level)
    n, z2 = sum(sizes.values()), scipy.special.ndtri((1 + level) / 2) ** 2
    w0, w1 = sizes[0] / n, sizes[1] / n
    one, zero = wilson_interval(n11, n01 + n11, level=level), wilson_interval(n10, n00 + n10, level=level)

    def put_back(rate, p, p_down, p_w, q, q_up, q_w):
        """The lower limit of p_w p / (p_w p + q_w q) from how far p may fall and q may rise."""
        drawn = z2 * w0 * w1 / n
        odds = rate / (1 - rate)
        below2 = (p_w * p_down) ** 2 + drawn * p**2
        above2 = (q_w * q_up) ** 2 + drawn * q**2
        left, right = (p_w * p - odds * q_w * q) ** 2, below2 + odds**2 * above2 + 2 * odds * drawn * p * q
        assert left == pytest.approx(right, rel=1e-6, abs=1e-12)

    low = got.sensitivity.low
    if got.sensitivity.estimate is not None and low > 0:
        put_back(low, one.estimate, one.estimate - one.low, w1, zero.estimate, zero.high - zero.estimate, w0)
    low = got.specificity.low
    if got.specificity.estimate is not None and low > 0:
        # W0 NPV against W1 (1 - PPV): a miss less is a rejection more
        put_back(low, 1 - zero.estimate, zero.high - zero.estimate, w0, 1 - one.estimate, one.estimate - one.low, w1)


def test_what_was_not_seen_may_have_had_the_largest_weight():
    """0 of 10 rows, one of which stands for 50 traces and nine for 5: the unseen one may stand for 50."""
    got = misclassification_matrix([0] * 10, [0, 1] * 5, sampled_on="strata", inclusion_probabilities=[0.02] + [0.2] * 9)
    assert got.prevalence.estimate == 0.0
    assert got.prevalence.high == pytest.approx(min(1.0, wilson_interval(0, 10).high * 10 * 50 / (50 + 45)))
    some = misclassification_matrix([0] * 40, [0, 1] * 20, sampled_on="strata", inclusion_probabilities=[0.1] * 20 + [0.2] * 20)
    assert some.prevalence.high == pytest.approx(wilson_interval(0, 40).high * 40 * 10 / 300)


def test_verification_bias_is_not_committed():
    """Begg and Greenes: the pooled 45/46 is not the sensitivity of a sample drawn on the graded label."""
    true, graded = [1] * 45 + [0] * 5 + [1] + [0] * 49, [1] * 50 + [0] * 50
    got = misclassification_matrix(true, graded, sampled_on="graded", stratum_sizes={1: 100, 0: 9900})
    assert got.sensitivity.estimate == pytest.approx(90 / (90 + 198))
    assert got.sensitivity.low < 0.09
    assert got.sensitivity.high > 0.7
    # no miss at all among 50 of 9,900 still leaves room for hundreds
    clean = misclassification_matrix([1] * 50 + [0] * 50, graded, sampled_on="graded", stratum_sizes={1: 100, 0: 9900})
    assert (clean.sensitivity.estimate, clean.sensitivity.standard_error) == (1.0, None)
    assert clean.sensitivity.low < 0.15


@given(validation_tables(), st.integers(1, 3000), st.integers(1, 3000))
def test_law_true_and_graded_are_mirror_images(table, more_0, more_1):
    """Sampling on the true label is sampling on the graded label with the two swapped."""
    (n00, n01), (n10, n11) = table
    true, graded = rows_of(table)
    sizes = {0: n00 + n10 + more_0, 1: n01 + n11 + more_1}
    one = misclassification_matrix(true, graded, sampled_on="graded", stratum_sizes=sizes)
    two = misclassification_matrix(graded, true, sampled_on="true", stratum_sizes=sizes)
    for mine, theirs in (("ppv", "sensitivity"), ("npv", "specificity"), ("sensitivity", "ppv"), ("specificity", "npv")):
        a, b = getattr(one, mine), getattr(two, theirs)
        assert (
            (a.estimate, a.low, a.high) == pytest.approx((b.estimate, b.low, b.high), abs=1e-12)
            if a.estimate is not None
            else b.estimate is None
        )
    assert two.prevalence.estimate == pytest.approx(sizes[1] / sum(sizes.values()))
    assert (two.prevalence.low, two.prevalence.method) == (None, "given")


@given(validation_tables(), st.integers(0, 3000), st.integers(0, 3000), own.levels())
def test_law_three_ways_to_give_the_same_weights_agree(table, more_0, more_1, level):
    """Sampled on the graded label with sizes; the same as strata; the same as inclusion probabilities."""
    (n00, n01), (n10, n11) = table
    if min(n00 + n10, n01 + n11) < 2:
        return
    true, graded = rows_of(table)
    sizes = {0: n00 + n10 + more_0, 1: n01 + n11 + more_1}
    pi = [{0: (n00 + n10) / sizes[0], 1: (n01 + n11) / sizes[1]}[g] for g in graded]
    direct = misclassification_matrix(true, graded, sampled_on="graded", stratum_sizes=sizes, level=level)
    strata = misclassification_matrix(true, graded, sampled_on="strata", strata=graded, stratum_sizes=sizes, level=level)
    weights = misclassification_matrix(true, graded, sampled_on="strata", strata=graded, inclusion_probabilities=pi, level=level)
    for name in RATES:
        a, b, c = (getattr(matrix, name) for matrix in (direct, strata, weights))
        if a.estimate is None:
            assert b.estimate is c.estimate is None
            continue
        assert wilson(b) == pytest.approx(wilson(c), abs=1e-9)
        assert a.estimate == pytest.approx(b.estimate, abs=1e-12)
        if name in ("sensitivity", "specificity", "prevalence"):
            assert wilson(a) == pytest.approx(wilson(b), abs=1e-9)


@given(validation_tables(), own.levels())
def test_equal_weights_without_strata_are_a_simple_random_sample(table, level):
    true, graded = rows_of(table)
    one = misclassification_matrix(true, graded, sampled_on="nothing", level=level)
    two = misclassification_matrix(true, graded, sampled_on="strata", inclusion_probabilities=[0.01] * len(true), level=level)
    for name in RATES:
        a, b = getattr(one, name), getattr(two, name)
        assert a.estimate == (pytest.approx(b.estimate, abs=1e-12) if b.estimate is not None else None)
        if a.estimate is not None and 0 < a.estimate < 1:
            assert a.standard_error == pytest.approx(b.standard_error, rel=1e-9)
    # where the two kinds fill the sample the limits are Wilson's, too
    assert wilson(two.prevalence) == pytest.approx(wilson(one.prevalence), abs=1e-9)


def test_standard_error_is_the_derivative_of_the_ratio():
    """Se of a stratified sample: the delta method by finite differences over stratum shares and sizes."""
    cells = {"a": (12, 5, 3, 40), "b": (30, 2, 9, 9), "c": (1, 1, 2, 60)}  # (t1g1, t1g0, t0g1, t0g0)
    sizes = {"a": 600, "b": 120, "c": 5000}
    rows = [
        (t, g, h)
        for h, own_cells in cells.items()
        for (t, g), n in zip(((1, 1), (1, 0), (0, 1), (0, 0)), own_cells, strict=True)
        for _ in range(n)
    ]
    true, graded, strata = zip(*rows, strict=True)
    got = misclassification_matrix(true, graded, sampled_on="strata", strata=strata, stratum_sizes=sizes).sensitivity
    n = sum(sizes.values())
    w = {h: size / n for h, size in sizes.items()}
    p = {h: np.array(own_cells[:2]) / sum(own_cells) for h, own_cells in cells.items()}
    a, b = (sum(w[h] * p[h][at] for h in cells) for at in (0, 1))
    ratio = a / (a + b)
    assert got.estimate == pytest.approx(ratio)
    variance = 0.0
    for h, own_cells in cells.items():
        gradient = w[h] * np.array([b, -a]) / (a + b) ** 2
        covariance = (np.diag(p[h]) - np.outer(p[h], p[h])) / sum(own_cells)
        variance += gradient @ covariance @ gradient
    means = np.array([(p[h] @ np.array([b, -a])) / (a + b) ** 2 for h in cells])
    shares = np.array([w[h] for h in cells])
    variance += (shares @ means**2 - (shares @ means) ** 2) / n
    assert got.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)


@given(validation_tables(), st.integers(0, 4000), st.integers(0, 4000), own.levels())
def test_law_limits_hold_the_estimate_and_are_never_a_point(table, more_0, more_1, level):
    (n00, n01), (n10, n11) = table
    sizes = {0: n00 + n10 + more_0, 1: n01 + n11 + more_1}
    got = misclassification_matrix(*rows_of(table), sampled_on="graded", stratum_sizes=sizes, level=level)
    for name in RATES:
        rate = getattr(got, name)
        if rate.estimate is None:
            assert rate.undefined_because
        else:
            assert 0 <= rate.low <= rate.estimate <= rate.high <= 1
            assert rate.low < rate.high


def test_a_condition_has_its_own_matrix():
    true = [1] * 20 + [1] * 20
    graded = [1] * 18 + [0] * 2 + [1] * 8 + [0] * 12
    base, after = misclassification_by_condition(true, graded, ["base"] * 20 + ["ablated"] * 20, sampled_on="true")
    assert (base.condition, base.sensitivity.estimate, after.condition, after.sensitivity.estimate) == ("base", 0.9, "ablated", 0.4)
    assert base.specificity.estimate is None
    assert base.specificity.undefined_because == "no row that is truly 0 was sampled"
    assert base == misclassification_matrix(true[:20], graded[:20], sampled_on="true", condition="base")
    weighted = misclassification_by_condition(
        [1, 0, 1, 0], [1, 0, 0, 0], list("abab"), sampled_on="strata", inclusion_probabilities=[0.1, 0.2, 0.3, 0.4]
    )
    assert [matrix.inclusion_probabilities for matrix in weighted] == [(0.1, 0.3), (0.2, 0.4)]
    sized = misclassification_by_condition(
        [1, 0, 1, 0], [1, 1, 0, 0], list("abab"), sampled_on="graded", stratum_sizes={"a": {0: 5, 1: 5}, "b": {0: 9, 1: 9}}
    )
    assert [matrix.stratum_sizes for matrix in sized] == [{0: 5, 1: 5}, {0: 9, 1: 9}]


def test_differential_misclassification():
    """2,000 random weighted samples: Hajek ratios by loops over rows."""
    rng = np.random.default_rng(20260630)
    for _ in range(2000):
        n = int(rng.integers(4, 30))
        true, graded = rng.integers(0, 2, n).tolist(), rng.integers(0, 2, n).tolist()
        pi = rng.uniform(0.01, 1, n).tolist()
        got = misclassification_matrix(true, graded, sampled_on="strata", inclusion_probabilities=pi)
        rows = list(zip(true, graded, pi, strict=True))
        for name, inside, hit in (
            ("sensitivity", lambda t, g: t == 1, lambda t, g: g == 1),
            ("specificity", lambda t, g: t == 0, lambda t, g: g == 0),
            ("ppv", lambda t, g: g == 1, lambda t, g: t == 1),
            ("npv", lambda t, g: g == 0, lambda t, g: t == 0),
            ("prevalence", lambda t, g: True, lambda t, g: t == 1),
        ):
            below = sum(1 / p for t, g, p in rows if inside(t, g))
            above = sum(1 / p for t, g, p in rows if inside(t, g) and hit(t, g))
            rate = getattr(got, name)
            if below == 0:
                assert rate.estimate is None
                continue
            ratio = above / below
            assert rate.estimate == pytest.approx(ratio, abs=1e-12)
            e = [(1 / p) * inside(t, g) * (hit(t, g) - ratio) for t, g, p in rows]
            spread = math.sqrt(sum(x * x for x in e)) / below
            assert (rate.standard_error or 0.0) == pytest.approx(spread, abs=1e-7)
            assert 0 <= rate.low <= rate.estimate <= rate.high <= 1


@pytest.mark.slow
def test_coverage_of_se_and_sp_from_a_sample_on_the_graded_label():
    """2,000 traces, 50 labels per verdict, Se .8, Sp .97, rate .1: never below .93."""
    rng = np.random.default_rng(2)
    truth = {"sensitivity": 0.8, "specificity": 0.97, "prevalence": 0.1, "ppv": 0.08 / 0.107}
    held = dict.fromkeys(truth, 0)
    for _ in range(1000):
        true = (rng.random(2000) < 0.1).astype(int)
        graded = (rng.random(2000) < np.where(true, 0.8, 0.03)).astype(int)
        rows = np.concatenate([rng.choice(np.flatnonzero(graded == label), 50, replace=False) for label in (0, 1)])
        sizes = {0: int((graded == 0).sum()), 1: int(graded.sum())}
        got = misclassification_matrix(true[rows], graded[rows], sampled_on="graded", stratum_sizes=sizes)
        for name, value in truth.items():
            held[name] += getattr(got, name).low <= value <= getattr(got, name).high
    print({name: k / 1000 for name, k in held.items()})
    assert min(held.values()) > 930


TRUE, GRADED = [1, 1, 0, 0], [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("true", "graded", "options", "message"),
    [
        (TRUE, GRADED, {"sampled_on": "random"}, "sampled_on must be one of 'nothing', 'graded', 'true', 'strata', got 'random'"),
        (TRUE, [1], {"sampled_on": "nothing"}, "same length, got 4 and 1"),
        ([], [], {"sampled_on": "nothing"}, "holds no row"),
        ([2, 0], [1, 0], {"sampled_on": "nothing"}, "true must hold 0 or 1, got 2 at row 0"),
        ([0.5, 0], [1, 0], {"sampled_on": "nothing"}, "true must hold 0 or 1, got dtype float64"),
        ([[1]], [1], {"sampled_on": "nothing"}, r"one-dimensional, got shape \(1, 1\)"),
        (TRUE, GRADED, {"sampled_on": "nothing", "stratum_sizes": {0: 5, 1: 5}}, "simple random sample has no strata"),
        (TRUE, GRADED, {"sampled_on": "graded", "strata": TRUE}, "belong to sampled_on='strata', got sampled_on='graded'"),
        (TRUE, GRADED, {"sampled_on": "graded", "stratum_sizes": {0: 5}}, "needs the keys 0 and 1"),
        (TRUE, GRADED, {"sampled_on": "graded", "stratum_sizes": {0: 1, 1: 5}}, r"stratum_sizes\[0\] must be at least the 2 rows"),
        (TRUE, GRADED, {"sampled_on": "strata"}, "needs either stratum_sizes"),
        (TRUE, GRADED, {"sampled_on": "strata", "stratum_sizes": {0: 5, 1: 5}}, "stratum_sizes needs strata"),
        (TRUE, GRADED, {"sampled_on": "strata", "strata": list("aabc"), "stratum_sizes": {}}, "the stratum 'b' holds one row"),
        (TRUE, GRADED, {"sampled_on": "strata", "strata": list("aabb"), "stratum_sizes": {"a": 9, "c": 9}},
         "'b', 'c' in one of them only"),
        (TRUE, GRADED, {"sampled_on": "strata", "strata": list("aabb"), "stratum_sizes": {"a": 1, "b": 9}},
         r"stratum_sizes\['a'\] must be at least"),
        (TRUE, GRADED, {"sampled_on": "strata", "inclusion_probabilities": [0.1, 0, 1, 1]}, "must be positive"),
        (TRUE, GRADED, {"sampled_on": "strata", "inclusion_probabilities": [10, 1, 1, 1]},
         "must not exceed 1, got 10; pass 1 / weight"),
        ([1], [1], {"sampled_on": "strata", "inclusion_probabilities": [0.5]}, "one row has no variance"),
    ],
)  # fmt: skip
def test_refuses(true, graded, options, message):
    with pytest.raises(DomainError, match=message):
        misclassification_matrix(true, graded, **options)


def test_refuses_conditions():
    with pytest.raises(DomainError, match="conditions and true must have the same length, got 1 and 4"):
        misclassification_by_condition(TRUE, GRADED, ["a"], sampled_on="nothing")
    with pytest.raises(DomainError, match=r"got a missing label \(None\) at position 1"):
        misclassification_by_condition(TRUE, GRADED, ["a", None, "a", "b"], sampled_on="nothing")
    with pytest.raises(DomainError, match="no entry for the condition 'b'"):
        misclassification_by_condition(TRUE, GRADED, list("aabb"), sampled_on="graded", stratum_sizes={"a": {0: 9, 1: 9}})
    with pytest.raises(InsufficientData, match="holds no row"):
        misclassification_matrix([], [], sampled_on="true")


def test_one_side_never_sampled_is_said():
    got = misclassification_matrix([1, 0], [1, 1], sampled_on="graded", stratum_sizes={0: 10, 1: 5})
    assert got.npv.undefined_because == "no row that is graded 0 was sampled"
    assert "both graded labels must be in the sample" in got.sensitivity.undefined_because
    assert got.ppv.estimate == 0.5


@pytest.mark.parametrize("missing", [None, math.nan], ids=repr)
def test_refuses_a_row_without_a_stratum(missing):
    """A missing stratum is a missing chance to be in the sample, not one more stratum."""
    strata, message = ["x", "x", missing, missing], r"strata must label every row, got a missing label \(.*\) at position 2; leave"
    with pytest.raises(DomainError, match=message):
        misclassification_matrix(TRUE, GRADED, sampled_on="strata", strata=strata, stratum_sizes={"x": 9, missing: 9})
    with pytest.raises(DomainError, match=message):
        misclassification_matrix(TRUE, GRADED, sampled_on="strata", strata=strata, inclusion_probabilities=[0.5] * 4)
    with pytest.raises(DomainError, match=message):
        misclassification_by_condition(
            TRUE, GRADED, ["one"] * 4, sampled_on="strata", strata=strata, stratum_sizes={"one": {"x": 9, missing: 9}}
        )


@pytest.mark.parametrize(
    "options",
    [
        {"sampled_on": "nothing"},
        {"sampled_on": "graded"},
        {"sampled_on": "true", "stratum_sizes": {0: 50, 1: 90}},
        {"sampled_on": "graded", "stratum_sizes": {0: 50, 1: 90}},
        {"sampled_on": "strata", "strata": list("xyxyxyxy"), "stratum_sizes": {"x": 40, "y": 90}},
        {"sampled_on": "strata", "strata": list("xyxyxyxy"), "inclusion_probabilities": [0.1, 0.2] * 4},
    ],
    ids=repr,
)
def test_rates_hold_floats_of_python(options):
    """A float64 of numpy prints and serialises differently, and is not what the annotation says."""
    got = misclassification_matrix([0, 0, 0, 1, 1, 1, 1, 0], [0, 0, 1, 1, 1, 0, 0, 1], **options)
    seen = set()
    for name in RATES:
        rate = getattr(got, name)
        seen |= {type(value) for value in (rate.estimate, rate.low, rate.high, rate.standard_error, rate.effective_n)}
    assert seen - {type(None)} == {float}
