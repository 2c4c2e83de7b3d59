"""Moments against all assignments, and the error bar against exact tails."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.stats import spearman_test
from safescale.stats._spearman_expansion import _bernoulli, _Expansion, _terms, _without_lattice, approximation
from safescale.stats._spearman_moments import augmented_monomials, partitions, permutation_moments
from safescale.stats._spearman_ties import tied_plan, tied_tails
from safescale.stats._spearman_untied import untied_tails
from safescale.stats.spearman import _centred_midranks


def ranks(*columns):
    return tuple(_centred_midranks(np.asarray(column, dtype=float)) for column in columns)


def test_partitions_are_as_many_as_euler_counts():
    assert [sum(1 for _ in partitions(p, p)) for p in range(13)] == [1, 1, 2, 3, 5, 7, 11, 15, 22, 30, 42, 56, 77]
    assert list(partitions(4, 4)) == [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]


@given(st.lists(st.integers(-4, 4), min_size=3, max_size=5), st.sampled_from([(1,), (2, 1), (1, 1, 1), (3, 2), (2, 2, 1)]))
def test_augmented_monomials_sum_over_distinct_indices(values, parts):
    every = sum(
        math.prod(v**p for v, p in zip(chosen, parts, strict=True)) for chosen in itertools.permutations(values, len(parts))
    )
    assert augmented_monomials(np.array(values))(parts) == every


@given(own.tied_columns(max_pairs=6))
def test_law_moments_are_those_of_all_assignments(columns):
    """Up to the ninth, beyond the number of pairs, as whole fractions."""
    a, b = ranks(*columns)
    sums = [int(a @ np.array(order)) for order in itertools.permutations(b)]
    for p, moment in zip(range(10), permutation_moments(a, b), strict=False):
        assert moment == Fraction(sum(s**p for s in sums), len(sums))


@pytest.mark.parametrize("n", [5, 30, 100])
def test_untied_moments_are_kendalls(n):
    """rho has variance 1/(n-1) and fourth moment 3 (25 n^3 - 38 n^2 - 35 n + 72) / (25 n (n+1) (n-1)^3) (Kendall 1948)."""
    (a,) = ranks(range(n))
    zero, one, two, three, four = itertools.islice(permutation_moments(a, a), 5)
    scale = Fraction(int(a @ a))
    assert (zero, one, three) == (1, 0, 0)
    assert two / scale**2 == Fraction(1, n - 1)
    assert four / scale**4 == Fraction(3 * (25 * n**3 - 38 * n**2 - 35 * n + 72), 25 * n * (n + 1) * (n - 1) ** 3)


def test_bernoulli_numbers():
    assert [_bernoulli(k) for k in range(9)] == [
        *(Fraction(1), Fraction(-1, 2), Fraction(1, 6), 0, Fraction(-1, 30), 0, Fraction(1, 42), 0, Fraction(-1, 30)),
    ]


def test_without_its_lattice_a_discretised_normal_has_the_moments_of_a_normal_less_its_steps():
    """A normal density g summed over a lattice of step 1: the smooth density keeps the tail sums from between two points."""
    sd, points = 3.0, np.arange(-40, 41)
    mass = scipy.stats.norm.pdf(points, scale=sd)
    moments = [Fraction(float(np.sum(mass * points**p))) for p in range(5)]
    smooth = [float(m) for m in _without_lattice(moments, 1)]
    assert smooth[2] == pytest.approx(sd**2 - 1 / 12, rel=1e-12)
    assert smooth[4] == pytest.approx(3 * sd**4 - 6 * sd**2 / 12 + 7 / 240, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 3.25, 12.0])
@pytest.mark.parametrize("x", [-0.7, 0.0, 0.3, 0.95])
def test_terms_are_integrals_of_weighted_gegenbauer_polynomials(alpha, x):
    """The closed form against scipy's polynomials and quadrature."""
    gs = (0.3, -0.2, 0.1, 0.05, -0.4)
    norm = scipy.special.beta(0.5, alpha + 0.5)
    got = _terms(_Expansion(alpha, gs), np.array([x]))[:, 0]
    for k, (g, term) in enumerate(zip((1.0, *gs), got, strict=True)):
        integral, _ = scipy.integrate.quad(
            lambda u, k=k: (1 - u * u) ** (alpha - 0.5) / norm * scipy.special.eval_gegenbauer(k, alpha, u), x, 1
        )
        assert term == pytest.approx(g * integral, abs=1e-9)


@pytest.mark.parametrize("n", [4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 26])
def test_error_bar_covers_every_untied_tail(n):
    (a,) = ranks(range(n))
    top, widest, tails_of = (n**3 - n) // 3, 0.0, approximation(a, a)
    for bound in range(-top, top + 1, 4 * max(1, top // 2 // 25)):
        tails = untied_tails(n, bound, bound)
        for exact, got in zip((tails.below, tails.above), tails_of(bound, bound), strict=True):
            p = exact / tails.total
            assert abs(got.p - p) <= got.error
            if 0.01 < p < 0.2:
                widest = max(widest, got.error / p)
    # a bar that is as wide as the answer would cover too
    assert widest < {16: 0.01, 20: 2e-3, 26: 3e-4}.get(n, math.inf)


def test_the_approximation_is_as_good_as_its_source_says():
    """At n = 26 within 1e-7 of every exact p above .001, and within .1 % down to 1e-6; Student's t is .0009 off."""
    (a,) = ranks(range(26))
    tails_of = approximation(a, a)
    for bound in range(-5000, 5001, 240):
        exact = untied_tails(26, bound, bound)
        got = tails_of(bound, bound)[1].p
        assert got == pytest.approx(exact.above / exact.total, abs=1e-7, rel=1e-3)


def test_far_tails_do_not_pretend():
    """Where the series is lost, the bar is wider than the answer, and the answer stops at the floor."""
    got = spearman_test(range(20), [1, 0, *range(2, 20)], method="moments")
    exact = spearman_test(range(20), [1, 0, *range(2, 20)])
    assert exact.p_value < 1e-15
    assert got.p_floor <= got.p_value
    assert abs(got.p_value - exact.p_value) <= got.p_error
    assert got.p_error > exact.p_value


@pytest.mark.parametrize("seed", range(6))
def test_error_bar_covers_tied_tails(seed):
    """Uneven, clumped and lopsided ties, wherever counting them is cheap."""
    rng = np.random.default_rng(seed)
    checked = 0
    while checked < 8:
        n = int(rng.integers(4, 40))
        x = rng.integers(0, rng.integers(2, 9), n)
        y = np.floor(rng.integers(2, 20) * rng.random(n) ** rng.choice([1, 3]))
        a, b = ranks(x, y)
        plan = tied_plan(a, b) if a.any() and b.any() else None
        if plan is None or plan.additions > 1e7:
            continue
        checked += 1
        farthest, tails_of = int(np.sort(a) @ np.sort(b)), approximation(a, b)
        for bound in (int(a @ b), int(farthest * 0.6), -int(farthest * 0.3)):
            exact = tied_tails(plan, bound, bound)
            for count, got in zip((exact.below, exact.above), tails_of(bound, bound), strict=True):
                assert abs(got.p - count / exact.total) <= got.error


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0, 1, 2] * 13, [0] * 12 + [1] * 15 + [2] * 12),
        ([0] * 18 + [1, 2, 2], [0] * 15 + list(range(6))),
        ([0] * 29 + [1], list(range(30))),
        ([0] * 30 + [1] * 30, [0, 1] * 30),
    ],
)
def test_error_bar_covers_clumps(x, y):
    """Sums that clump look smooth to 24 moments; the bar must hold the mass of a clump."""
    a, b = ranks(x, y)
    plan = tied_plan(a, b)
    farthest, missed, tails_of = int(np.sort(a) @ np.sort(b)), 0.0, approximation(a, b)
    for share in (0.0, 0.1, 0.25, 0.4, 0.7, 1.0):
        bound = int(share * farthest)
        exact = tied_tails(plan, bound, bound)
        got = tails_of(bound, bound)[1]
        missed = max(missed, abs(got.p - exact.above / exact.total))
        assert abs(got.p - exact.above / exact.total) <= got.error
    assert missed > 0


def test_bounds_off_the_lattice_mean_the_next_sum_inside():
    a, b = ranks([0, 1] * 10, range(20))
    step, observed, tails_of = 20 * 2, int(a @ b), approximation(a, b)
    assert tails_of(observed + step - 1, observed - step + 1) == tails_of(observed, observed)
    assert tails_of(observed + step, observed) != tails_of(observed, observed)


LOPSIDED_X, LOPSIDED_Y = [0] * 12 + list(range(1, 19)), [*range(18, 9, -1), *([0] * 12), *range(1, 10)]


def test_the_lower_tail_is_the_upper_tail_of_the_mirrored_ranks():
    """Lopsided ties, so that odd moments matter."""
    a, b = ranks(LOPSIDED_X, LOPSIDED_Y)
    tails, mirrored = approximation(a, b), approximation(a, -b)
    below, above = tails(-1_500, 3_000)
    assert below.p != pytest.approx(tails(0, 1_500)[1].p, rel=1e-4)
    above_mirrored, below_mirrored = mirrored(-3_000, 1_500)
    assert tuple(below_mirrored) == pytest.approx(tuple(below), rel=1e-9)
    assert tuple(above_mirrored) == pytest.approx(tuple(above), rel=1e-9)


def test_both_tails_and_both_errors_enter_a_two_sided_p():
    a, b = ranks(LOPSIDED_X, LOPSIDED_Y)
    observed, tails = int(a @ b), approximation(a, b)
    below, above = tails(-abs(observed), abs(observed))
    got = spearman_test(LOPSIDED_X, LOPSIDED_Y, method="moments")
    assert below.p != pytest.approx(above.p, rel=1e-3)
    assert got.p_value == pytest.approx(below.p + above.p, rel=1e-12)
    assert got.p_error == pytest.approx(below.error + above.error, rel=1e-12)
    below, above = tails(observed, observed)
    got = spearman_test(LOPSIDED_X, LOPSIDED_Y, method="moments", two_sided="doubled_tail")
    assert got.p_value == pytest.approx(2 * min(below.p, above.p), rel=1e-12)
    assert got.p_error == pytest.approx(2 * max(below.error, above.error), rel=1e-12)
    assert 0 < got.p_error < 0.2
