"""Krippendorff's alpha."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import krippendorff_alpha
from stats.agreement_strategies import ratings

METRICS = ["nominal", "ordinal", "interval"]

# the reliability data of Wikipedia, "Krippendorff's alpha": three observers, fifteen units, * missing
WIKIPEDIA = ("*****34121133*3", "1*2133 43*******".replace(" ", ""), "**21344*211 33*4".replace(" ", ""))
# K. Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C: four observers, twelve units
FOUR_OBSERVERS = ("123321412***", "1233224125*3", "*3332342251*", "12332441251*")
# A. F. Hayes, K. Krippendorff (2007), Table 1: forty units, five observers
HAYES_TABLE = """
112.2 1101. 2333. .00.0 000.0 000.0 102.1 1.20. 222.2 2111. .100. 0000. 1222. 33223 111.1 111.1 212.2 1233. 1101. 000.0
0011. 00.00 2333. 0000. 12.22 0111. 00010 1212. 1122. 112.2 110.0 2121. 22.22 3222. 222.2 223.2 222.2 22.12 2222. 111.1
"""
HAYES = HAYES_TABLE.split()


def units(rows, missing="*"):
    """Observers in rows, as the papers print them, to one row per unit."""
    return [[None if x == missing else int(x) for x in unit] for unit in zip(*rows, strict=True)]


HAYES_UNITS = [[None if x == "." else int(x) for x in unit] for unit in HAYES]


def by_definition(rows, metric, order=None):
    """Alpha from all pairs of values, by loops: the definition and nothing else."""
    pairable = [[x for x in unit if x is not None] for unit in rows]
    pairable = [unit for unit in pairable if len(unit) >= 2]
    values = [x for unit in pairable for x in unit]
    order = sorted(set(values)) if order is None else order
    n_g = {g: values.count(g) for g in order}

    def distance(c, k):
        if metric == "nominal":
            return float(c != k)
        if metric == "interval":
            return float((c - k) ** 2)
        low, high = sorted((order.index(c), order.index(k)))
        return (sum(n_g[order[g]] for g in range(low, high + 1)) - (n_g[c] + n_g[k]) / 2) ** 2

    n = len(values)
    observed = sum(
        distance(unit[i], unit[j]) / (len(unit) - 1)
        for unit in pairable
        for i in range(len(unit))
        for j in range(len(unit))
        if i != j
    )
    expected = sum(distance(values[i], values[j]) for i in range(n) for j in range(n) if i != j)
    return None if expected == 0 else 1 - (observed / n) / (expected / (n * (n - 1)))


@pytest.mark.parametrize(
    ("rows", "metric", "printed", "digits"),
    [
        (units(WIKIPEDIA), "nominal", 0.691, 3),
        (units(WIKIPEDIA), "interval", 0.811, 3),
        (units(FOUR_OBSERVERS), "nominal", 0.743, 3),
        (units(FOUR_OBSERVERS), "ordinal", 0.815, 3),
        (units(FOUR_OBSERVERS), "interval", 0.849, 3),
        (HAYES_UNITS, "ordinal", 0.7598, 4),
        (HAYES_UNITS, "nominal", 0.477, 3),
        (HAYES_UNITS, "interval", 0.757, 3),
    ],
)
def test_published_values(rows, metric, printed, digits):
    got = krippendorff_alpha(rows, metric=metric)
    assert round(got.alpha, digits) == printed
    assert got.interval[0] < got.alpha < got.interval[1]


def test_the_trap_of_nltk():
    """
    Its much-quoted .2058 on the table of Hayes and Krippendorff (ordinal .7598 as printed) is nominal, and counts the
    period that marks a missing rating as a fifth label.
    """
    with_period = [list(unit) for unit in HAYES]
    assert round(krippendorff_alpha(with_period).alpha, 4) == 0.2058
    assert round(krippendorff_alpha(HAYES_UNITS, metric="ordinal").alpha, 4) == 0.7598


def test_matches_the_vignette_of_irr_cac():
    """irrCAC (R), vignette "overview": krippen2.table(cont3x3abstractors): Krippendorff's Alpha 0.7972585."""
    table = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    assert round(krippendorff_alpha(pairs).alpha, 7) == 0.7972585


@pytest.mark.parametrize("metric", METRICS)
@given(ratings())
def test_is_the_definition(metric, rows):
    got = krippendorff_alpha(rows, metric=metric, resamples=199)
    expected = by_definition(rows, metric)
    assert got.alpha == (pytest.approx(expected, abs=1e-11) if expected is not None else None)
    assert got.left_out_units + got.units == len(rows)
    if expected is None:
        assert "0/0" in got.undefined_because
        assert got.interval is None


def test_the_interval_is_the_percentile_of_resampled_units():
    """The same resamples drawn again with the same generator, alpha of each by the definition."""
    rows = units(FOUR_OBSERVERS)
    usable = [unit for unit in rows if sum(x is not None for x in unit) >= 2]
    for metric in METRICS:
        got = krippendorff_alpha(rows, metric=metric, resamples=199, rng=5, level=0.9)
        patterns, repeats = np.unique([[unit.count(c) for c in range(1, 6)] for unit in usable], axis=0, return_counts=True)
        draws = np.random.default_rng(5).multinomial(len(usable), repeats / len(usable), size=199)
        labels = [[c + 1 for c in range(5) for _ in range(pattern[c])] for pattern in patterns.tolist()]
        alphas = sorted(by_definition([labels[at] for at in np.repeat(np.arange(len(labels)), draw)], metric) for draw in draws)
        assert got.interval == pytest.approx((alphas[9], alphas[-10]), abs=1e-11)
        assert (got.interval_method, got.undefined_resamples) == ("bootstrap", 0)


def test_perfect_agreement_is_not_certainty():
    """No unit of 20 disagrees: Wilson's bound of the share that would, each as far apart as can be."""
    rows = [[1, 1, 1]] * 10 + [[4, 4, None]] * 10
    hidden = 1 - 20 / (20 + 1.959963984540054**2)
    for metric, farthest in (("nominal", 1.0), ("interval", 9.0), ("ordinal", 25.0**2)):
        got = krippendorff_alpha(rows, metric=metric)
        assert (got.alpha, got.interval_method) == (1.0, "wilson")
        assert got.interval == pytest.approx((1 - hidden * farthest / got.expected_disagreement, 1.0))


def test_resamples_without_any_variety_are_not_counted_as_agreement():
    """One unit of 12 holds the only other label: 35 % of resamples miss it, and no bound is claimed."""
    got = krippendorff_alpha([[0, 0]] * 11 + [[0, 1]])
    assert got.alpha == pytest.approx(by_definition([[0, 0]] * 11 + [[0, 1]], "nominal"))
    assert got.interval is None
    assert 600 < got.undefined_resamples < 800
    assert "all ratings were equal" in got.undefined_because
    more = krippendorff_alpha([[0, 0]] * 60 + [[0, 1]] * 3 + [[1, 1]] * 3)
    assert more.interval is not None


def test_text_needs_its_order_for_ordinal_and_has_none_for_interval():
    rows = [["COMPLETE", "EVASIVE"], ["DENIAL", "DENIAL"], ["COMPLETE", "COMPLETE"], ["EVASIVE", "DENIAL"]]
    got = krippendorff_alpha(rows, metric="ordinal", categories=("COMPLETE", "EVASIVE", "DENIAL"))
    codes = {"COMPLETE": 0, "EVASIVE": 1, "DENIAL": 2}
    assert got.alpha == pytest.approx(by_definition([[codes[x] for x in unit] for unit in rows], "ordinal"))
    with pytest.raises(DomainError, match=r"ordinal distances .* need categories=\(...\) in their order"):
        krippendorff_alpha(rows, metric="ordinal")
    with pytest.raises(DomainError, match="need categories"):
        krippendorff_alpha(rows, metric="interval")
    with pytest.raises(DomainError, match="a label on an interval scale must be a real number, got 'COMPLETE'"):
        krippendorff_alpha(rows, metric="interval", categories=("COMPLETE", "EVASIVE", "DENIAL"))


@given(ratings(), st.sampled_from(METRICS), st.randoms(use_true_random=False))
def test_law_order_of_units_and_of_raters_is_irrelevant(rows, metric, random):
    other = [random.sample(unit, len(unit)) for unit in random.sample(rows, len(rows))]
    got, again = (krippendorff_alpha(data, metric=metric, categories=(1, 2, 3, 4), resamples=199) for data in (rows, other))
    assert got.alpha == (pytest.approx(again.alpha, abs=1e-11) if again.alpha is not None else None)
    assert got.interval == (pytest.approx(again.interval, abs=1e-9) if again.interval is not None else None)


@given(ratings(), st.sampled_from(METRICS))
def test_law_units_with_fewer_than_two_ratings_say_nothing(rows, metric):
    raters = len(rows[0])
    more = [*rows, [None] * raters, [9] + [None] * (raters - 1)]
    got, other = (krippendorff_alpha(data, metric=metric, resamples=199) for data in (rows, more))
    assert got.alpha == (pytest.approx(other.alpha, abs=1e-11) if other.alpha is not None else None)
    assert other.left_out_units == got.left_out_units + 2


@given(ratings(), st.floats(-50, 50), st.floats(0.1, 20))
def test_law_interval_alpha_has_no_origin_and_no_unit(rows, shift, scale):
    moved = [[None if x is None else scale * x + shift for x in unit] for unit in rows]
    got, other = (krippendorff_alpha(data, metric="interval", resamples=199) for data in (rows, moved))
    assert got.alpha == (pytest.approx(other.alpha, abs=1e-8) if other.alpha is not None else None)


@given(ratings())
def test_law_ordinal_alpha_sees_only_the_order(rows):
    stretched = [[None if x is None else x**3 for x in unit] for unit in rows]
    got, other = (krippendorff_alpha(data, metric="ordinal", resamples=199) for data in (rows, stretched))
    assert (got.alpha, got.interval, got.counts) == (other.alpha, other.interval, other.counts)


@given(ratings(), st.sampled_from(METRICS))
def test_law_alpha_is_one_exactly_where_no_unit_disagrees(rows, metric):
    got = krippendorff_alpha(rows, metric=metric, resamples=199)
    disagree = any(len({x for x in unit if x is not None}) > 1 for unit in rows)
    if got.alpha is not None:
        assert (got.alpha == 1.0) == (not disagree)
        assert got.interval is None or got.interval[0] < 1.0


def test_differential_krippendorff():
    """2,000 random tables with gaps against the pairs by loops."""
    rng = np.random.default_rng(20260630)
    seen = 0
    for _ in range(2000):
        raters, count = int(rng.integers(2, 4)), int(rng.integers(2, 7))
        rows = [[None if rng.random() < 0.2 else int(rng.integers(1, 5)) for _ in range(raters)] for _ in range(count)]
        if not any(sum(x is not None for x in unit) >= 2 for unit in rows):
            continue
        metric = METRICS[int(rng.integers(3))]
        got = krippendorff_alpha(rows, metric=metric, resamples=199)
        expected = by_definition(rows, metric)
        assert got.alpha == (pytest.approx(expected, abs=1e-11) if expected is not None else None)
        seen += expected is not None
    assert seen > 1800


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        ([[1, None], [None, 2]], {}, InsufficientData, r"no unit has two ratings \(of 2 units\)"),
        ([], {}, InsufficientData, "no unit has two ratings"),
        (
            [[1, math.nan]],
            {},
            DomainError,
            "unit 0 of ratings must hold labels, got nan at position 1; write a missing rating as None",
        ),
        ([[1, 2]], {"metric": "ratio"}, DomainError, "metric must be one of 'nominal', 'ordinal', 'interval', got 'ratio'"),
        ([[1, 2]], {"resamples": 100}, DomainError, "resamples must be at least 199, got 100"),
        ([[1, 2]], {"categories": (1,)}, DomainError, "the label 2 is not among the categories"),
        ("12", {}, DomainError, "ratings must be a sequence of units, got the text '12'"),
        (["12", "11"], {}, DomainError, "unit 0 of ratings must be a sequence of labels, got the text '12'"),
    ],
)
def test_refuses(rows, options, error, message):
    with pytest.raises(error, match=message):
        krippendorff_alpha(rows, **options)


def test_the_seed_is_fixed_and_can_be_given():
    rows = units(FOUR_OBSERVERS)
    assert krippendorff_alpha(rows) == krippendorff_alpha(rows)
    assert krippendorff_alpha(rows, rng=1) == krippendorff_alpha(rows, rng=np.random.default_rng(1))
    assert krippendorff_alpha(rows, rng=1).alpha == krippendorff_alpha(rows, rng=2).alpha
