"""Spearman's rank correlation with its permutation p-value and the floor of that p-value."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._arrangements import (
    MAX_ARRANGEMENTS,
    all_sums_of_products,
    fewest_arrangements,
    share_of_largest_sum,
)
from safescale.stats._domain import FloatVector, IntVector, choice, same_length, vector
from safescale.stats._tails import DEFAULT_SEED, RESAMPLES, smallest_monte_carlo, smallest_share, tail_share
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["SpearmanMethod", "SpearmanTest", "SpearmanTwoSided", "spearman_test"]

SpearmanMethod: TypeAlias = Literal["exact", "t_approximation", "monte_carlo"]
SpearmanTwoSided: TypeAlias = Literal["abs_rho", "doubled"]
_METHODS = ("auto", "exact", "t_approximation", "monte_carlo")


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
    p_floor : float
        The smallest p that any arrangement of these ranks can reach.
    method : {"exact", "t_approximation", "monte_carlo"}
        How p was computed.
    alternative : {"two-sided", "greater", "less"}
        "greater": y rises with x.
    two_sided : {"abs_rho", "doubled"}
        What two-sided means.
    n : int
        Number of pairs.
    x, y : tuple of float
        The values that were given.
    """

    rho: float
    p_value: float
    p_floor: float
    method: SpearmanMethod
    alternative: Alternative
    two_sided: SpearmanTwoSided
    n: int
    x: tuple[float, ...]
    y: tuple[float, ...]


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
    two_sided : {"abs_rho", "doubled"}, default "abs_rho"
        Two-sided p counts ``|rho|`` at least as large, or doubles the smaller tail. They differ only with ties.
    method : {"auto", "exact", "t_approximation", "monte_carlo"}, default "auto"
        "exact" enumerates all arrangements of the ranks (ties make them fewer), up to 400,000, which is 9 untied
        pairs. "t_approximation" refers ``rho sqrt((n - 2) / (1 - rho^2))`` to Student's t with n - 2 degrees of
        freedom; it is off by tens of percent at p below .01. "monte_carlo" gives ``(b + 1) / (m + 1)`` from m =
        99,999 random assignments. "auto" is "exact" where affordable, else "t_approximation".
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
        If lengths differ, a value is not finite, or "exact" would need too many arrangements.

    References
    ----------
    .. [1] C. Spearman (1904), Amer. J. Psychol. 15, 72-101.
    .. [2] M. A. van de Wiel, A. Di Bucchianico (2001), J. Statist. Plann. Inference 92, 133-145.

    Examples
    --------
    Four models in perfect order are not significant and cannot be:

    >>> from safescale.stats import spearman_test
    >>> test = spearman_test([0.8, 1.9, 4.2, 9.0], [0.998, 0.948, 0.783, 0.542])
    >>> test.rho, round(test.p_value, 3), round(test.p_floor, 3), test.method
    (-1.0, 0.083, 0.083, 'exact')
    """
    u, v = vector("x", x), vector("y", y)
    same_length("x", len(u), "y", len(v))
    choice("alternative", alternative, ALTERNATIVES)
    choice("two_sided", two_sided, ("abs_rho", "doubled"))
    choice("method", method, _METHODS)
    if len(u) < 3:
        raise InsufficientData(f"a rank correlation needs at least 3 pairs, got {len(u)}; compare two values directly")
    for name, column in (("x", u), ("y", v)):
        if np.all(column == column[0]):
            raise InsufficientData(f"all {len(column)} values of {name} equal {column[0]:g}; a constant has no rank order")
    a, b = _centred_midranks(u), _centred_midranks(v)
    observed = int(a @ b)
    rho = observed / math.sqrt(int(a @ a) * int(b @ b))
    chosen, doubled = _affordable(method, a, b), two_sided == "doubled"
    p_floor = smallest_share(
        share_of_largest_sum(a, b),
        share_of_largest_sum(a, -b),
        int(np.sort(a) @ np.sort(b)),
        int(np.sort(a) @ np.sort(b)[::-1]),
        alternative,
        doubled=doubled,
    )
    if chosen == "exact":
        p_value = tail_share(all_sums_of_products(a, b), observed, alternative, doubled=doubled)
    elif chosen == "monte_carlo":
        p_value = tail_share(_random_sums(a, b, rng), observed, alternative, doubled=doubled, extra=1)
        p_floor = max(p_floor, smallest_monte_carlo(alternative, doubled=doubled))
    else:
        p_value = _t_tail(rho, len(a), alternative)
    return SpearmanTest(
        rho=max(-1.0, min(1.0, rho)),
        p_value=max(p_value, p_floor),
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


def _affordable(method: Literal["auto"] | SpearmanMethod, a: IntVector, b: IntVector) -> SpearmanMethod:
    needed = fewest_arrangements(a, b)
    if method == "exact" and needed > MAX_ARRANGEMENTS:
        raise DomainError(
            f"the exact p of these {len(a)} pairs needs {needed:.3g} arrangements, more than {MAX_ARRANGEMENTS:,}; "
            "use method='monte_carlo' or method='t_approximation'"
        )
    if method == "auto":
        return "exact" if needed <= MAX_ARRANGEMENTS else "t_approximation"
    return method


def _random_sums(a: IntVector, b: IntVector, rng: np.random.Generator | int | None) -> npt.NDArray[np.int64]:
    generator = np.random.default_rng(DEFAULT_SEED if rng is None else rng)
    sums = np.empty(RESAMPLES, dtype=np.int64)
    for start in range(0, RESAMPLES, 10_000):
        block = sums[start : start + 10_000]
        block[:] = generator.permuted(np.tile(b, (len(block), 1)), axis=1) @ a
    return sums


def _t_tail(rho: float, n: int, alternative: Alternative) -> float:
    if abs(rho) >= 1:
        # the approximation says 0 for a perfect order on its side; the caller puts the floor there
        return 1.0 if (alternative == "greater" and rho < 0) or (alternative == "less" and rho > 0) else 0.0
    t = rho * math.sqrt((n - 2) / (1 - rho * rho))
    if alternative == "two-sided":
        return float(2 * scipy.special.stdtr(n - 2, -abs(t)))
    return float(scipy.special.stdtr(n - 2, -t if alternative == "greater" else t))
