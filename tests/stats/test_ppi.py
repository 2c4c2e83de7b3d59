"""Prediction-powered inference for a rate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import ppi_rate, wilson_interval
from stats.agreement_strategies import rows_of, validation_tables

LAMBDAS = st.one_of(st.just("tuned"), st.sampled_from([0.0, 1.0]), st.floats(0, 1))


def by_rows(table, positives, trials, lam):
    """Estimate and variance of the paper from the rows written out, variances over n."""
    y, f = (np.array(column, dtype=float) for column in rows_of(table))
    rest = np.array([1.0] * positives + [0.0] * (trials - positives))
    n, big_n = len(y), len(rest)
    if lam == "tuned":
        spread = np.concatenate([f, rest]).var()
        lam = (
            0.0
            if big_n == 0 or spread == 0
            else float(np.clip(np.mean((y - y.mean()) * (f - f.mean())) / ((1 + n / big_n) * spread), 0, 1))
        )
    theta = y.mean() - lam * (f.mean() - (rest.mean() if big_n else 0.0)) if lam else y.mean()
    variance = (y - lam * f).var() / n + (lam**2 * rest.var() / big_n if big_n else 0.0)
    return theta, variance, lam


def compute(table, cell, lam, level=0.95):
    """None where the labelled contradict the rest."""
    try:
        return ppi_rate(table, unlabelled_positives=cell[0], unlabelled_trials=cell[1], lam=lam, level=level)
    except DomainError as error:
        if "not a random sample" not in str(error):
            raise
        return None


@given(validation_tables(), own.cells(), LAMBDAS)
def test_estimate_variance_and_lambda_are_the_papers(table, cell, lam):
    got = compute(table, cell, lam)
    theta, variance, weight = by_rows(table, *cell, lam)
    if got is None:
        assert not 0 <= theta <= 1
        return
    assert got.unclipped == pytest.approx(theta, abs=1e-12)
    assert got.lam == pytest.approx(weight, abs=1e-12)
    assert (got.standard_error or 0.0) ** 2 == pytest.approx(variance, abs=1e-12)
    assert got.estimate == min(1.0, max(0.0, got.unclipped))


@given(validation_tables(), own.cells(), own.levels())
def test_lambda_zero_is_the_labelled_rate_and_its_wilson_interval(table, cell, level):
    got = compute(table, cell, 0, level)
    k, n = sum(table[1]), sum(map(sum, table))
    assert (got.estimate, got.low, got.high) == pytest.approx(
        (k / n, wilson_interval(k, n, level=level).low, wilson_interval(k, n, level=level).high), abs=1e-10
    )
    assert got.lam == 0


def test_lambda_one_is_plain_prediction_powered_inference():
    """theta = mean f~ + mean(y - f), by hand: 300/1000 + (2 - 6)/100."""
    got = ppi_rate([[64, 6], [2, 28]], unlabelled_positives=300, unlabelled_trials=1000, lam=1)
    assert got.estimate == pytest.approx(0.3 - 0.04)
    rectifier = (6 + 2) / 100 - 0.04**2
    assert got.standard_error == pytest.approx(math.sqrt(rectifier / 100 + 0.3 * 0.7 / 1000))


def test_in_large_samples_the_interval_is_theta_plus_minus_z_root_v():
    for lam in (0.0, 0.4, 1.0, "tuned"):
        got = ppi_rate(
            [[640_000, 60_000], [40_000, 260_000]], unlabelled_positives=3_200_000, unlabelled_trials=10_000_000, lam=lam
        )
        half = 1.959963984540054 * got.standard_error
        assert (got.low, got.high) == pytest.approx((got.estimate - half, got.estimate + half), abs=0.002 * half)


def test_the_interval_is_the_mover_of_correlated_parts():
    """Below and above from Wilson limits of y, missed, false alarms and f~, with correlations counted from the rows."""
    table, lam = [[64, 6], [2, 28]], 0.7
    got = ppi_rate(table, unlabelled_positives=300, unlabelled_trials=1000, lam=lam)
    y, f = (np.array(column) for column in rows_of(table))
    parts = np.array([y, y * (1 - f), -(1 - y) * f], dtype=float)
    r = np.corrcoef(parts)
    limits = [wilson_interval(k, 100) for k in (30, 2, 6)]
    rest = wilson_interval(300, 1000)
    up = np.array([0.3, lam, lam]) * [limits[0].high - 0.3, limits[1].high - 0.02, 0.06 - limits[2].low]
    down = np.array([0.3, lam, lam]) * [0.3 - limits[0].low, 0.02 - limits[1].low, limits[2].high - 0.06]
    assert got.high - got.estimate == pytest.approx(math.sqrt(up @ r @ up + (lam * (rest.high - 0.3)) ** 2))
    assert got.estimate - got.low == pytest.approx(math.sqrt(down @ r @ down + (lam * (0.3 - rest.low)) ** 2))


def test_tuned_lambda_minimises_the_variance():
    """Var as a function of lambda is smallest at lambda*, up to the pooled Var(f) in it."""
    table, cell = [[640, 60], [40, 260]], (3200, 10_000)
    best = ppi_rate(table, unlabelled_positives=cell[0], unlabelled_trials=cell[1])
    others = [ppi_rate(table, unlabelled_positives=cell[0], unlabelled_trials=cell[1], lam=lam / 50) for lam in range(51)]
    assert best.standard_error <= min(other.standard_error for other in others) + 1e-6
    assert 0.5 < best.lam < 1
    assert best.standard_error < others[0].standard_error


def test_no_disagreement_among_50_labels_is_not_a_perfect_grader():
    """The variance formula alone would give +-.004 from 50 labels; what 0 of 50 leaves room for is +.07."""
    got = ppi_rate([[45, 0], [0, 5]], unlabelled_positives=10_000, unlabelled_trials=100_000, lam=1)
    assert got.standard_error < 0.001
    assert got.high - got.estimate > 0.06
    assert got.estimate - got.low > 0.06


def test_nothing_seen_is_not_nothing_there():
    got = ppi_rate([[40, 0], [0, 0]], unlabelled_positives=0, unlabelled_trials=960)
    assert (got.estimate, got.low, got.standard_error, got.lam) == (0.0, 0.0, None, 0.0)
    assert got.high == pytest.approx(wilson_interval(0, 40).high)


def test_no_unlabelled_traces_leaves_the_labels():
    got = ppi_rate([[5, 1], [2, 4]], unlabelled_positives=0, unlabelled_trials=0)
    assert (got.lam, got.graded_rate_unlabelled, got.estimate) == (0.0, None, 0.5)


@given(validation_tables(), own.cells(), LAMBDAS, own.levels())
def test_law_interval_holds_the_estimate_and_is_never_a_point(table, cell, lam, level):
    got = compute(table, cell, lam, level)
    if got is not None:
        assert 0 <= got.low <= got.estimate <= got.high <= 1
        assert got.low < got.high


@given(validation_tables(), own.cells(), LAMBDAS)
def test_law_calling_success_failure_mirrors_everything(table, cell, lam):
    (n00, n01), (n10, n11) = table
    got, mirrored = compute(table, cell, lam), compute(((n11, n10), (n01, n00)), (cell[1] - cell[0], cell[1]), lam)
    if got is None or mirrored is None:
        assert got is mirrored is None
        return
    assert (got.estimate, got.low, got.high) == pytest.approx(
        (1 - mirrored.estimate, 1 - mirrored.high, 1 - mirrored.low), abs=1e-9
    )


def test_differential_ppi():
    rng = np.random.default_rng(20260630)
    seen = 0
    for _ in range(2500):
        table = rng.integers(0, 30, (2, 2)).tolist()
        trials = int(rng.integers(1, 500))
        cell = int(rng.integers(0, trials + 1)), trials
        if sum(map(sum, table)) == 0:
            continue
        lam = ["tuned", 0.0, 1.0, float(rng.random())][int(rng.integers(4))]
        got = compute(table, cell, lam)
        if got is None:
            continue
        theta, variance, weight = by_rows(table, *cell, lam)
        assert (got.unclipped, got.lam) == pytest.approx((theta, weight), abs=1e-12)
        assert (got.standard_error or 0.0) == pytest.approx(math.sqrt(variance), abs=1e-7)
        seen += 1
    assert seen >= 2000


@pytest.mark.slow
def test_coverage():
    """Rates .03 to .5, 100 labels of 2,000: never below .92, tuned never much wider than labels alone."""
    rng = np.random.default_rng(3)
    for prevalence, se, sp in ((0.3, 0.9, 0.9), (0.1, 0.8, 0.97), (0.03, 0.9, 0.99), (0.5, 0.6, 0.9)):
        held, widths = dict.fromkeys(("tuned", 0.0, 1.0), 0), dict.fromkeys(("tuned", 0.0, 1.0), 0.0)
        for _ in range(1000):
            true = rng.random(2000) < prevalence
            graded = rng.random(2000) < np.where(true, se, 1 - sp)
            table = [[int((~true & ~graded)[:100].sum()), int((~true & graded)[:100].sum())]]
            table.append([int((true & ~graded)[:100].sum()), int((true & graded)[:100].sum())])
            for lam in held:
                got = compute(table, (int(graded[100:].sum()), 1900), lam)
                held[lam] += got.low <= prevalence <= got.high
                widths[lam] += (got.high - got.low) / 1000
        print(prevalence, se, sp, {k: v / 1000 for k, v in held.items()}, {k: round(v, 3) for k, v in widths.items()})
        assert min(held["tuned"], held[1.0]) >= 920
        assert widths["tuned"] < 1.02 * widths[0.0]


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        ([[0, 0], [0, 0]], {}, InsufficientData, "no trace is labelled"),
        ([[1]], {}, DomainError, r"table must be 2 x 2, table\[true\]\[graded\], got shape \(1, 1\)"),
        ([[1, 2, 3]], {}, DomainError, "table must be square"),
        ([[1, 0], [0, 1]], {"lam": 1.5}, DomainError, r"lam must lie in \[0, 1\], got 1.5"),
        ([[1, 0], [0, 1]], {"lam": "best"}, DomainError, "lam must be one of 'tuned', got 'best'"),
        ([[1, 0], [0, 1]], {"lam": math.nan}, DomainError, "lam must be finite"),
        ([[1, 0], [0, 1]], {"unlabelled_positives": 11}, DomainError, "successes must not exceed trials, got 11 of 10"),
        ([[1, 0], [0, 1]], {"unlabelled_positives": 0, "unlabelled_trials": 0, "lam": 0.5}, DomainError, "needs unlabelled traces"),
        ([[5, 95], [0, 0]], {"unlabelled_positives": 0, "unlabelled_trials": 900, "lam": 1.0}, DomainError,
         "not a random sample of all"),
    ],
)  # fmt: skip
def test_refuses(table, options, error, message):
    with pytest.raises(error, match=message):
        ppi_rate(table, **{"unlabelled_positives": 4, "unlabelled_trials": 10, **options})
