"""A small permutation engine: any statistic, whole or within blocks, every arrangement where there are few."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._arrangements import MAX_ARRANGEMENTS, arrangements, number_of_arrangements
from safescale.stats._domain import FloatVector, IntVector, as_array, choice, group_codes, vector
from safescale.stats._tails import RESAMPLES, enough_resamples, seeded, tail_share
from safescale.stats.fisher import ALTERNATIVES, Alternative
from safescale.stats.slope_permutation import PermutationMethod

__all__ = ["PermutationTest", "Statistic", "permutation_test"]

Statistic = Callable[[FloatVector], npt.ArrayLike]

# statistics closer than this share of the largest one are equal: rounding never makes a tie extreme
TOLERANCE = 1e-10
# arrangements handed to the statistic at once: some megabytes
_BLOCK = 16_384


@attrs.frozen(kw_only=True)
class PermutationTest:
    """
    A permutation test of one statistic.

    Attributes
    ----------
    statistic : float
        At the order of values that was given.
    p_value : float
        In (0, 1], never below ``p_floor``.
    p_floor : float
        The smallest p that these values can give by this method: exact, the share of the most extreme arrangements;
        Monte Carlo, that of none of the random ones.
    method : {"exact_permutation", "monte_carlo_permutation"}
        How p was computed.
    arrangements : int
        Distinct arrangements enumerated, or random ones drawn.
    alternative : {"two-sided", "greater", "less"}
        Two-sided is twice the smaller tail.
    n : int
        Number of values.
    values : tuple of float
        The values that were given.
    blocks : tuple or None
        The block of each value, where permutations stay within blocks.
    generalises_to : {"these_models", "new_models"}
        As given: the test speaks of further units of the kind that changes places.
    """

    statistic: float
    p_value: float
    p_floor: float
    method: PermutationMethod
    arrangements: int
    alternative: Alternative
    n: int
    values: tuple[float, ...]
    blocks: tuple[Hashable, ...] | None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def permutation_test(
    values: npt.ArrayLike,
    statistic: Statistic,
    *,
    blocks: Iterable[Hashable] | None = None,
    alternative: Alternative = "two-sided",
    method: Literal["auto"] | PermutationMethod = "auto",
    resamples: int = RESAMPLES,
    rng: np.random.Generator | int | None = None,
    generalises_to: Literal["these_models", "new_models"] = "new_models",
) -> PermutationTest:
    """
    Permutation test of any statistic of values that are exchangeable under the null hypothesis.

    p is the share of arrangements whose statistic is at least as extreme as the observed one. Orders that differ by
    exchanging equal values are one arrangement. With b of m random arrangements at least as extreme,
    ``p = (b + 1) / (m + 1)``: the observed one counts.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        One value per unit, such as the rate of a model; at least 2.
    statistic : callable
        Takes an array of shape ``(arrangements, n)``, each row an order of the values, and gives the statistic of
        each row, shape ``(arrangements,)``. Whatever does not move (groups, sizes) is held by the callable.
    blocks : iterable of hashable, shape (n,), optional
        Block (lineage, provider) of each value; values change places within a block only.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Which tail is extreme. Two-sided doubles the smaller one. For a statistic that grows with any difference
        (F, eta squared), "greater".
    method : {"auto", "exact_permutation", "monte_carlo_permutation"}, default "auto"
        Exact up to 400,000 distinct arrangements (9 untied values), else random ones.
    resamples : int, default 99,999
        Number m of random arrangements, at least 99.
    rng : numpy Generator or int, optional
        Source or seed of the random arrangements; None is the fixed seed 20260630.
    generalises_to : {"these_models", "new_models"}, default "new_models"
        "new_models" where the values are models; "these_models" where they are prompts or rows of the same models.

    Returns
    -------
    PermutationTest
        Shape: scalar. ``p_floor <= p_value <= 1``, unit: probability. Never 0. Equal values give p = 1.

    Raises
    ------
    InsufficientData
        If there are fewer than 2 values, or no block holds 2.
    DomainError
        If an input is out of range, the statistic gives anything but one finite number per arrangement, or an exact p
        would need too many arrangements.

    Notes
    -----
    The test speaks of the units that change places: models, to speak of further models; prompts, to speak of these
    models only. Statistics that differ by less than 1e-10 of the largest one count as equal. For the slope on size use
    `permutation_slope_test`, for ranks `spearman_test`: they are faster, and know their floor beforehand.

    References
    ----------
    .. [1] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 119-130.
    .. [2] B. Phipson, G. K. Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39 (never p = 0).

    Examples
    --------
    Two providers with three models each; the most extreme split is 1 of 20, and so is its mirror image:

    >>> import numpy as np
    >>> from safescale.stats import permutation_test
    >>> first = np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    >>> test = permutation_test([0.10, 0.20, 0.25, 0.40, 0.50, 0.90], lambda v: v[:, first].mean(axis=1))
    >>> round(test.p_value, 3), test.p_floor, test.arrangements
    (0.1, 0.1, 720)
    """
    v = vector("values", values)
    choice("alternative", alternative, ALTERNATIVES)
    choice("method", method, ("auto", "exact_permutation", "monte_carlo_permutation"))
    choice("generalises_to", generalises_to, ("these_models", "new_models"))
    m, rng = enough_resamples(resamples), seeded(rng)
    if not callable(statistic):
        raise DomainError(
            f"statistic must be a callable of an array (arrangements, n), got {statistic!r} ({type(statistic).__name__}); "
            "such as lambda v: v[:, :3].mean(axis=1)"
        )
    labels, members = _members(v, blocks)
    needed = math.prod(number_of_arrangements(v[index]) for index in members)
    if method == "exact_permutation" and needed > MAX_ARRANGEMENTS:
        raise DomainError(f"the exact p needs {needed:.3g} arrangements, more than {MAX_ARRANGEMENTS:,}; use method='auto'")
    exact = method == "exact_permutation" or (method == "auto" and needed <= MAX_ARRANGEMENTS)
    observed = float(_evaluate(statistic, v[np.newaxis, :])[0])
    orders = _every_order(v, members) if exact else _random_orders(v, members, m, rng)
    found = np.concatenate([_evaluate(statistic, rows) for rows in orders])
    tolerance = TOLERANCE * max(abs(observed), float(np.abs(found).max()))
    extra = 0 if exact else 1
    p_value = tail_share(found, observed, alternative, doubled=True, extra=extra, tolerance=tolerance)
    p_floor = _floor(found, alternative, tolerance) if exact else min(1.0, (1 + (alternative == "two-sided")) / (m + 1))
    return PermutationTest(
        statistic=observed,
        p_value=max(p_value, p_floor),
        p_floor=p_floor,
        method="exact_permutation" if exact else "monte_carlo_permutation",
        arrangements=len(found),
        alternative=alternative,
        n=len(v),
        values=tuple(v.tolist()),
        blocks=labels,
        generalises_to=generalises_to,
    )


def _members(v: FloatVector, blocks: Iterable[Hashable] | None) -> tuple[tuple[Hashable, ...] | None, list[IntVector]]:
    """The labels, and the positions of each block that holds two or more values."""
    if len(v) < 2:
        raise InsufficientData(f"a permutation needs at least 2 values, got {len(v)}; add units")
    if blocks is None:
        return None, [np.arange(len(v))]
    labels, codes = group_codes(blocks, len(v), name="blocks", other="values", unit="value")
    members = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
    members = [index for index in members if len(index) > 1]
    if not members:
        raise InsufficientData("no block holds 2 values, so nothing can change places; use larger blocks")
    return labels, members


def _evaluate(statistic: Statistic, rows: FloatVector) -> FloatVector:
    # a callable that sorts or centres in place must not reach the values of the next block
    found = as_array("statistic", statistic(rows.copy()), expected="a callable that gives one number per arrangement")
    if found.dtype.kind not in "biuf":
        raise DomainError(f"statistic must give real numbers, got dtype {found.dtype}")
    result = found.astype(np.float64)
    if result.shape != (len(rows),):
        raise DomainError(
            f"statistic must give one number per arrangement, shape ({len(rows)},) for {rows.shape}, got shape {result.shape}; "
            "reduce over axis=1"
        )
    if not np.all(np.isfinite(result)):
        at = int(np.argmin(np.isfinite(result)))
        raise DomainError(f"statistic must be finite, got {result[at]} for the values {rows[at].tolist()}")
    return result


def _every_order(v: FloatVector, members: list[IntVector]) -> Iterator[FloatVector]:
    """All distinct arrangements: one arrangement of each block, in every combination."""
    parts = [arrangements(v[index]) for index in members]
    radix = tuple(len(part) for part in parts)
    total = math.prod(radix)
    for start in range(0, total, _BLOCK):
        stop = min(start + _BLOCK, total)
        rows = np.tile(v, (stop - start, 1))
        for index, part, digit in zip(members, parts, np.unravel_index(np.arange(start, stop), radix), strict=True):
            rows[:, index] = part[digit]
        yield rows


def _random_orders(v: FloatVector, members: list[IntVector], m: int, rng: np.random.Generator | int) -> Iterator[FloatVector]:
    generator = np.random.default_rng(rng)
    for start in range(0, m, _BLOCK):
        rows = np.tile(v, (min(_BLOCK, m - start), 1))
        for index in members:
            rows[:, index] = generator.permuted(rows[:, index], axis=1)
        yield rows


def _floor(found: FloatVector, alternative: Alternative, tolerance: float) -> float:
    """The smallest p that any of the enumerated arrangements would have had."""
    ends = [float(found.max())] if alternative == "greater" else [float(found.min())]
    if alternative == "two-sided":
        ends.append(float(found.max()))
    return min(tail_share(found, end, alternative, doubled=True, tolerance=tolerance) for end in ends)
