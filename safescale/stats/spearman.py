"""Spearman's rank correlation with its permutation p-value and the floor of that p-value."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._arrangements import share_of_largest_sum
from safescale.stats._domain import FloatVector, IntVector, choice, same_length, vector
from safescale.stats._spearman_ties import MAX_ADDITIONS, MAX_BYTES, Tails, TiedPlan, tied_plan, tied_tails
from safescale.stats._spearman_untied import LARGEST_TABLE, untied_tails
from safescale.stats._tails import RESAMPLES, seeded, smallest_monte_carlo, smallest_share, tail_share
from safescale.stats.clopper_pearson import clopper_pearson_interval
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["SpearmanMethod", "SpearmanTest", "SpearmanTwoSided", "spearman_test"]

SpearmanMethod: TypeAlias = Literal["exact", "moments", "t_approximation", "monte_carlo"]
SpearmanTwoSided: TypeAlias = Literal["abs_rho", "doubled_tail"]
_METHODS = ("auto", "exact", "moments", "t_approximation", "monte_carlo")
# sums of products of ranks stay below 2^63
_MAX_PAIRS = 2_000_000
_TINY = 2.0**-1022


@attrs.frozen(kw_only=True)
class SpearmanTest:
    """
    Spearman's rank correlation with a test of independence.

    Attributes
    ----------
    rho : float
        Correlation of the midranks, in [-1, 1].
    p_value : float
        In (0, 1], never below ``p_floor``.
    p_error : float or None
        Error bar: the exact p lies within ``p_value - p_error`` and ``p_value + p_error``. 0 for "exact"; for
        "monte_carlo" the farther end of a 95 % interval; None where unknown ("t_approximation").
    p_floor : float
        The smallest p that any arrangement of these ranks can reach.
    method : {"exact", "moments", "t_approximation", "monte_carlo"}
        How p was computed.
    alternative : {"two-sided", "greater", "less"}
        "greater": y rises with x.
    two_sided : {"abs_rho", "doubled_tail"}
        What two-sided means.
    n : int
        Number of pairs.
    x, y : tuple of float
        The values that were given.
    generalises_to : {"new_models"}
        Pairs are the units that change places: models, in a test of size. Of pairs that are prompts it speaks of further
        prompts.
    """

    rho: float
    p_value: float
    p_error: float | None
    p_floor: float
    method: SpearmanMethod
    alternative: Alternative
    two_sided: SpearmanTwoSided
    n: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def spearman_test(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    two_sided: SpearmanTwoSided = "abs_rho",
    method: Literal["auto"] | SpearmanMethod = "auto",
    rng: np.random.Generator | int | None = None,
) -> SpearmanTest:
    """
    Spearman's rank correlation and the permutation test that x and y are unrelated.

    With midranks ``a, b`` and ``T = sum_i a_i b_i``, rho is the correlation of a and b, and p is the share of the
    ``n!`` assignments of b to a whose T is at least as extreme as the observed one. Ranks are compared as exact
    integers.

    Parameters
    ----------
    x, y : array_like of float, shape (pairs,)
        The values, at least 3 pairs, neither column constant. Any unit: only the order counts.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": y rises with x.
    two_sided : {"abs_rho", "doubled_tail"}, default "abs_rho"
        Two-sided p counts ``|rho|`` at least as large, or doubles the smaller tail. They differ only with ties.
    method : {"auto", "exact", "moments", "t_approximation", "monte_carlo"}, default "auto"
        "exact" counts arrangements: up to 26 untied pairs by look-up, with ties by dynamic programming where the cost,
        which is known beforehand, is at most 3e9 additions (some 10 s) and 2 GB; 21 models with a few equal sizes and
        rates rounded to 5 percent are within it. "moments" expands the distribution from its exact moments and knows
        its error bar. "auto" is "exact" where affordable, else "moments". "monte_carlo" gives ``(b + 1) / (m + 1)`` from
        m = 99,999 random assignments. "t_approximation" refers ``rho sqrt((n - 2) / (1 - rho^2))`` to Student's t with
        n - 2 degrees of freedom, as most programs do; it is off by tens of percent at p below .01.
    rng : numpy Generator or int, optional
        Source or seed of the Monte Carlo assignments; None is the fixed seed 20260630.

    Returns
    -------
    SpearmanTest
        Shape: scalar. ``rho`` in [-1, 1]; ``p_floor <= p_value <= 1``, unit: probability. Never 0.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 pairs or a column is constant: no correlation is defined.
    DomainError
        If lengths differ, a value is not finite, there are more than 2,000,000 pairs, or "exact" is too dear.

    Notes
    -----
    Exact counts are whole numbers while they fit 64 bits, and float64 sums of positive terms (relative error below 1e-12)
    beyond. With clumped ties ("moments" after dozens of pairs on few levels), the error bar holds the mass of one clump.

    References
    ----------
    .. [1] C. Spearman (1904), Amer. J. Psychol. 15, 72-101.
    .. [2] M. A. van de Wiel, A. Di Bucchianico (2001), J. Statist. Plann. Inference 92, 133-145 (the permanent).
    .. [3] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 225-232 (moments, and the t approximation).
    .. [4] B. Phipson, G. K. Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39 (never p = 0).

    Examples
    --------
    Four models in perfect order are not significant and cannot be:

    >>> from safescale.stats import spearman_test
    >>> test = spearman_test([0.8, 1.9, 4.2, 9.0], [0.998, 0.948, 0.783, 0.542])
    >>> test.rho, round(test.p_value, 3), round(test.p_floor, 3), test.method
    (-1.0, 0.083, 0.083, 'exact')

    Forty pairs are too many to count, and the answer says how far it may be off:

    >>> test = spearman_test(range(40), [(7 * i) % 40 for i in range(40)])
    >>> test.method, f"{test.p_value:.4f}", test.p_error < 1e-5
    ('moments', '0.3019', True)
    """
    u, v = vector("x", x), vector("y", y)
    same_length("x", len(u), "y", len(v))
    choice("alternative", alternative, ALTERNATIVES)
    choice("two_sided", two_sided, ("abs_rho", "doubled_tail"))
    choice("method", method, _METHODS)
    rng = seeded(rng)
    if len(u) < 3:
        raise InsufficientData(f"a rank correlation needs at least 3 pairs, got {len(u)}; compare two values directly")
    if len(u) > _MAX_PAIRS:
        raise DomainError(f"at most {_MAX_PAIRS:,} pairs, got {len(u):,}; test a random part of them")
    for name, column in (("x", u), ("y", v)):
        if np.all(column == column[0]):
            raise InsufficientData(f"all {len(column)} values of {name} equal {column[0]:g}; a constant has no rank order")
    a, b = _centred_midranks(u), _centred_midranks(v)
    rho = int(a @ b) / math.sqrt(int(a @ a) * int(b @ b))
    doubled = two_sided == "doubled_tail"
    chosen, plan = _affordable(method, a, b)
    p_floor = _floor(a, b, alternative, doubled=doubled)
    p_error: float | None = 0.0
    if chosen == "exact":
        p_value = _exact(a, b, plan, alternative, doubled=doubled)
    elif chosen == "moments":
        p_value, p_error = _from_moments(a, b, alternative, doubled=doubled)
    elif chosen == "monte_carlo":
        p_value, p_error = _monte_carlo(a, b, rng, alternative, doubled=doubled)
        p_floor = max(p_floor, smallest_monte_carlo(alternative, doubled=doubled))
    else:
        p_value, p_error = _t_tail(rho, len(a), alternative), None
    return SpearmanTest(
        rho=max(-1.0, min(1.0, rho)),
        p_value=max(p_value, p_floor),
        p_error=p_error,
        p_floor=p_floor,
        method=chosen,
        alternative=alternative,
        two_sided=two_sided,
        n=len(a),
        x=tuple(u.tolist()),
        y=tuple(v.tolist()),
    )


def _centred_midranks(values: FloatVector) -> IntVector:
    """Midranks times two, less their mean: whole numbers that sum to zero."""
    inverse, repeats = np.unique(values, return_inverse=True, return_counts=True)[1:]
    last = np.cumsum(repeats)
    doubled: IntVector = (2 * last - repeats + 1)[inverse].astype(np.int64) - (len(values) + 1)
    return doubled


def _affordable(method: Literal["auto"] | SpearmanMethod, a: IntVector, b: IntVector) -> tuple[SpearmanMethod, TiedPlan | None]:
    """The method, with the plan of a count; no plan where a table has the answer."""
    if method != "auto" and method != "exact":
        return method, None
    n = len(a)
    if n <= LARGEST_TABLE and len(np.unique(a)) == len(np.unique(b)) == n:
        return "exact", None
    plan = tied_plan(a, b)
    if plan is not None and plan.affordable:
        return "exact", plan
    if method == "auto":
        return "moments", None
    cost = "more than can be planned for" if plan is None else f"{plan.additions:.2g} additions and {plan.bytes:.2g} bytes"
    raise DomainError(
        f"the exact p of these {n} pairs needs {cost}, and the budget is {MAX_ADDITIONS:.0e} and {MAX_BYTES:.0e}; "
        "use method='moments' (an error bar comes with it) or method='monte_carlo'"
    )


def _floor(a: IntVector, b: IntVector, alternative: Alternative, *, doubled: bool) -> float:
    up, down = share_of_largest_sum(a, b), share_of_largest_sum(a, -b)
    highest, lowest = int(np.sort(a) @ np.sort(b)), int(np.sort(a) @ np.sort(b)[::-1])
    return max(smallest_share(up, down, highest, lowest, alternative, doubled=doubled), _TINY)


def _bounds(a: IntVector, b: IntVector, alternative: Alternative, *, doubled: bool) -> tuple[int, int]:
    """Sums at most the first, and at least the second, are what the tails hold."""
    observed = int(a @ b)
    return (-abs(observed), abs(observed)) if alternative == "two-sided" and not doubled else (observed, observed)


def _exact(a: IntVector, b: IntVector, plan: TiedPlan | None, alternative: Alternative, *, doubled: bool) -> float:
    low, high = _bounds(a, b, alternative, doubled=doubled)
    tails: Tails = untied_tails(len(a), low, high) if plan is None else tied_tails(plan, low, high)
    if alternative == "two-sided":
        # whole numbers until here: the division is the only rounding
        counted = 2 * min(tails.below, tails.above) if doubled else tails.below + tails.above
    else:
        counted = tails.above if alternative == "greater" else tails.below
    return min(counted, tails.total) / tails.total


def _from_moments(a: IntVector, b: IntVector, alternative: Alternative, *, doubled: bool) -> tuple[float, float]:
    # late: most questions are answered exactly
    from safescale.stats._spearman_expansion import approximation

    below, above = approximation(a, b)(*_bounds(a, b, alternative, doubled=doubled))
    if alternative != "two-sided":
        p_value, p_error = above if alternative == "greater" else below
    elif doubled:
        p_value, p_error = 2 * min(below.p, above.p), 2 * max(below.error, above.error)
    else:
        p_value, p_error = below.p + above.p, below.error + above.error
    return min(1.0, p_value), min(1.0, p_error)


def _monte_carlo(
    a: IntVector, b: IntVector, rng: np.random.Generator | int, alternative: Alternative, *, doubled: bool
) -> tuple[float, float]:
    generator = np.random.default_rng(rng)
    sums = np.empty(RESAMPLES, dtype=np.int64)
    together = max(1, min(10_000, 10_000_000 // len(a)))
    for start in range(0, RESAMPLES, together):
        block = sums[start : start + together]
        block[:] = generator.permuted(np.tile(b, (len(block), 1)), axis=1) @ a
    p_value = tail_share(sums, int(a @ b), alternative, doubled=doubled, extra=1)
    tails = 2 if doubled and alternative == "two-sided" else 1
    as_extreme = min(RESAMPLES, round(p_value / tails * (RESAMPLES + 1)) - 1)
    interval = clopper_pearson_interval(as_extreme, RESAMPLES)
    return p_value, max(p_value - tails * interval.low, tails * interval.high - p_value)


def _t_tail(rho: float, n: int, alternative: Alternative) -> float:
    if abs(rho) >= 1:
        # the approximation says 0 for a perfect order on its side; the caller puts the floor there
        return 1.0 if (alternative == "greater" and rho < 0) or (alternative == "less" and rho > 0) else 0.0
    t = rho * math.sqrt((n - 2) / (1 - rho * rho))
    if alternative == "two-sided":
        return float(2 * scipy.special.stdtr(n - 2, -abs(t)))
    return float(scipy.special.stdtr(n - 2, -t if alternative == "greater" else t))
