"""The permutation test of a slope on log10 size: models, not rows, change places."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from fractions import Fraction
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._arrangements import (
    MAX_ARRANGEMENTS,
    all_sums_of_products,
    fewest_arrangements,
    share_of_largest_sum,
)
from safescale.stats._domain import FloatVector, SlopeQuantity, choice, group_codes, sizes_and_quantities
from safescale.stats._inference import ROUNDING, require_three_sizes
from safescale.stats._tails import RESAMPLES, enough_resamples, seeded, smallest_monte_carlo, smallest_share, tail_share
from safescale.stats.fisher import ALTERNATIVES, Alternative
from safescale.stats.sizes import smallest_attainable_p
from safescale.stats.within_group import informative_groups

__all__ = ["PermutationMethod", "PermutationSlopeTest", "SlopeTwoSided", "permutation_slope_test"]

SMALL_GROUP = 50_000
"""Arrangements up to which the sums of a group are made once and drawn from."""

PermutationMethod: TypeAlias = Literal["exact_permutation", "monte_carlo_permutation"]
SlopeTwoSided: TypeAlias = Literal["doubled", "abs_slope"]
_Column: TypeAlias = tuple[FloatVector, FloatVector]


@attrs.frozen(kw_only=True)
class PermutationSlopeTest:
    """
    A permutation test that a rate is unrelated to log10 model size.

    Attributes
    ----------
    slope_pp_per_decade : float
        The observed slope (within groups where groups are given).
    p_value : float
        In (0, 1], never below ``p_floor``.
    p_floor : float
        The smallest p that any arrangement of these rates over these sizes can reach by this method.
    p_floor_of_sizes : float
        The smallest p that these sizes can reach whatever the rates: ``2/n!`` for untied sizes, two-sided.
    method : {"exact_permutation", "monte_carlo_permutation"}
        How p was computed.
    arrangements : int
        Distinct arrangements enumerated, or random ones drawn.
    alternative : {"two-sided", "greater", "less"}
        "greater": larger models comply more.
    two_sided : {"doubled", "abs_slope"}
        What two-sided means.
    n : int
        Number of models.
    params_b, rates : tuple of float
        The inputs that were given.
    groups : tuple or None
        The group of each model, where permutations stay within groups.
    quantity : {"rate", "difference"}
        What ``rates`` holds: rates, or a difference of two rates of each model.
    generalises_to : {"new_models"}
        Models are the units that are exchanged.
    """

    slope_pp_per_decade: float
    p_value: float
    p_floor: float
    p_floor_of_sizes: float
    method: PermutationMethod
    arrangements: int
    alternative: Alternative
    two_sided: SlopeTwoSided
    n: int
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    groups: tuple[Hashable, ...] | None
    quantity: SlopeQuantity = "rate"
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def permutation_slope_test(
    params_b: npt.ArrayLike,
    rates: npt.ArrayLike,
    *,
    groups: Iterable[Hashable] | None = None,
    alternative: Alternative = "two-sided",
    two_sided: SlopeTwoSided = "doubled",
    method: Literal["auto"] | PermutationMethod = "auto",
    resamples: int = RESAMPLES,
    rng: np.random.Generator | int | None = None,
    quantity: SlopeQuantity = "rate",
) -> PermutationSlopeTest:
    """
    Permutation test that the rates are exchangeable over the model sizes.

    With x = log10 size and y = rate, both centred (within groups), the statistic is ``T = sum_i x_i y_pi(i)``, which
    is the slope times ``sum x_i^2``. p is the share of arrangements pi with T at least as extreme as the observed
    one. With ``groups``, rates are exchanged within a group only: differences between lineages neither help nor hurt.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates, or differences of two rates (see ``quantity``). Unit: fraction in [0, 1], or in [-1, 1].
    groups : iterable of hashable, shape (models,), optional
        Group (lineage) of each model.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": larger models comply more.
    two_sided : {"doubled", "abs_slope"}, default "doubled"
        Uneven sizes make the distribution of T lopsided. "doubled" takes twice the smaller tail, so that each
        direction is claimed at half the level and the floor is ``2/n!``; "abs_slope" counts the slopes at least as
        steep, whichever way.
    method : {"auto", "exact_permutation", "monte_carlo_permutation"}, default "auto"
        Exact up to 400,000 distinct arrangements (9 untied models), else ``(b + 1) / (m + 1)`` from m random ones.
    resamples : int, default 99,999
        The number m of random arrangements, at least 99.
    rng : numpy Generator or int, optional
        Source or seed of the random arrangements; None is the fixed seed 20260630.
    quantity : {"rate", "difference"}, default "rate"
        "difference": each model's value is one of two rates minus the other, and may be negative.

    Returns
    -------
    PermutationSlopeTest
        Shape: scalar. ``p_floor <= p_value <= 1``, unit: probability. Never 0. Equal rates give slope 0 and p = 1.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes, or no group holds two.
    DomainError
        If an input is out of range, or an exact p would need too many arrangements.

    Notes
    -----
    Sums that differ by less than 1e-10 of the largest possible one count as equal, so rounding never makes a tie
    extreme.

    References
    ----------
    .. [1] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 225-232.
    .. [2] B. Phipson, G. K. Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39 (never p = 0).

    Examples
    --------
    >>> from safescale.stats import permutation_slope_test
    >>> test = permutation_slope_test([0.8, 1.9, 4.2, 9.0], [486 / 487, 615 / 649, 789 / 1008, 1095 / 2019])
    >>> round(test.p_value, 4), round(test.p_floor, 4), test.arrangements
    (0.0833, 0.0833, 24)
    """
    x, y = sizes_and_quantities(params_b, rates, quantity)
    choice("alternative", alternative, ALTERNATIVES)
    choice("two_sided", two_sided, ("doubled", "abs_slope"))
    choice("method", method, ("auto", "exact_permutation", "monte_carlo_permutation"))
    resamples, rng = enough_resamples(resamples), seeded(rng)
    labels, codes = (None, np.zeros(len(x), dtype=np.int64)) if groups is None else group_codes(groups, len(x))
    if labels is None:
        require_three_sizes(x)
    else:
        informative_groups(x, codes)
    columns = _centred_columns(x, y, codes)
    observed = math.fsum(float(u @ v) for u, v in columns)
    tolerance = 1e-10 * math.sqrt(sum(float(u @ u) for u, _ in columns) * sum(float(v @ v) for _, v in columns))
    doubled = two_sided == "doubled"
    p_floor = _floor(columns, alternative, doubled=doubled, tolerance=tolerance)
    needed = math.prod(fewest_arrangements(u, v) for u, v in columns)
    chosen = _affordable(method, needed)
    if chosen == "exact_permutation":
        sums, extra = _every_sum(columns), 0
    else:
        sums, extra = _random_sums(columns, resamples, rng), 1
        p_floor = max(p_floor, smallest_monte_carlo(alternative, doubled=doubled, resamples=resamples))
    p_value = tail_share(sums, observed, alternative, doubled=doubled, extra=extra, tolerance=tolerance)
    return PermutationSlopeTest(
        slope_pp_per_decade=100 * observed / sum(float(u @ u) for u, _ in columns),
        p_value=max(p_value, p_floor),
        p_floor=p_floor,
        p_floor_of_sizes=smallest_attainable_p(x, groups=labels, alternative=alternative),
        method=chosen,
        arrangements=len(sums),
        alternative=alternative,
        two_sided=two_sided,
        n=len(x),
        params_b=tuple(x.tolist()),
        rates=tuple(y.tolist()),
        groups=labels,
        quantity=quantity,
    )


def _centred_columns(x: FloatVector, y: FloatVector, codes: npt.NDArray[np.int64]) -> list[_Column]:
    """Per group: log10 sizes and rates about their means; rates that are equal up to rounding become exactly 0."""
    columns = []
    for code in range(int(codes.max()) + 1):
        u, v = np.log10(x[codes == code]), y[codes == code]
        flat = np.ptp(v) <= ROUNDING
        columns.append((u - u.mean(), np.zeros(len(v)) if flat else v - v.mean()))
    return columns


def _affordable(method: Literal["auto"] | PermutationMethod, needed: int) -> PermutationMethod:
    if method == "exact_permutation" and needed > MAX_ARRANGEMENTS:
        raise DomainError(f"the exact p needs {needed:.3g} arrangements, more than {MAX_ARRANGEMENTS:,}; use method='auto'")
    if method == "auto":
        return "exact_permutation" if needed <= MAX_ARRANGEMENTS else "monte_carlo_permutation"
    return method


def _every_sum(columns: list[_Column]) -> FloatVector:
    sums: FloatVector = np.zeros(1)
    for u, v in columns:
        sums = np.add.outer(sums, all_sums_of_products(u, v)).ravel()
    return sums


def _random_sums(columns: list[_Column], resamples: int, rng: np.random.Generator | int) -> FloatVector:
    generator = np.random.default_rng(rng)
    sums: FloatVector = np.zeros(resamples)
    # of a small group every arrangement is known, and a draw of one of them costs a tenth of a shuffle
    known = [all_sums_of_products(u, v) if fewest_arrangements(u, v) <= SMALL_GROUP else None for u, v in columns]
    for start in range(0, resamples, 10_000):
        block = sums[start : start + 10_000]
        for (u, v), every in zip(columns, known, strict=True):
            if every is None:
                block += generator.permuted(np.tile(v, (len(block), 1)), axis=1) @ u
            else:
                block += every[generator.integers(len(every), size=len(block))]
    return sums


def _floor(columns: list[_Column], alternative: Alternative, *, doubled: bool, tolerance: float) -> float:
    up, down, highest, lowest = Fraction(1), Fraction(1), 0.0, 0.0
    for u, v in columns:
        up *= share_of_largest_sum(u, v)
        down *= share_of_largest_sum(u, -v)
        highest += float(np.sort(u) @ np.sort(v))
        lowest += float(np.sort(u) @ np.sort(v)[::-1])
    return smallest_share(up, down, highest, lowest, alternative, doubled=doubled, tolerance=tolerance)
