"""The Jonckheere-Terpstra test: do values rise over groups that have an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._concordance import (
    CONCORDANCE_METHODS,
    ConcordanceMethod,
    agreeing_and_opposed,
    p_of_s,
    tie_blocks,
    untied_pairs,
    variance_of_s,
)
from safescale.stats._domain import choice, iterated, vector
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["JonckheereTerpstraTest", "jonckheere_terpstra_test"]


@attrs.frozen(kw_only=True)
class JonckheereTerpstraTest:
    """
    A test that values do not rise or fall over ordered groups.

    Attributes
    ----------
    statistic : float
        J: pairs of values from two groups in which the later group holds the larger one; ties count a half.
    expected, standard_deviation : float
        Mean and standard deviation of J under the null hypothesis, ties included.
    p_value : float
        In (0, 1], never below ``p_floor``.
    p_floor : float
        The smallest p that any distribution of these values over these groups can reach.
    method : {"exact", "normal_continuity_corrected"}
        How p was computed.
    alternative : {"two-sided", "greater", "less"}
        "greater": later groups hold larger values.
    n : int
        Number of values in all groups.
    groups : tuple of tuple of float
        The values that were given, in the order that was given.
    generalises_to : {"new_models"}
        The values are the units: one per model.
    """

    statistic: float
    expected: float
    standard_deviation: float
    p_value: float
    p_floor: float
    method: ConcordanceMethod
    alternative: Alternative
    n: int
    groups: tuple[tuple[float, ...], ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def jonckheere_terpstra_test(
    groups: Sequence[npt.ArrayLike],
    *,
    alternative: Alternative = "two-sided",
    method: Literal["auto"] | ConcordanceMethod = "auto",
) -> JonckheereTerpstraTest:
    """
    Jonckheere-Terpstra test that the groups, given in order, come from one distribution.

    ``J = sum_{g<h} (pairs with the larger value in h + half the tied pairs)``. ``2 J`` less the number of pairs between
    groups is Kendall's S of group number against value, so the p is that of `kendall_test`: the share of all
    distributions of the values over the groups with J at least as far out. It looks at the order of the groups only:
    how much larger the models of the next group are does not enter.

    Parameters
    ----------
    groups : sequence of array_like of float, shapes (n_1,), (n_2,), ...
        Values per group, groups in order (of model size, say): at least 2 groups, none empty, at least 3 values in
        all. One value per model.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": later groups hold larger values. Two-sided counts J at least as far from its mean.
    method : {"auto", "exact", "normal_continuity_corrected"}, default "auto"
        As in `kendall_test`: exact where affordable, ties included.

    Returns
    -------
    JonckheereTerpstraTest
        Shape: scalar. ``p_floor <= p_value <= 1``, unit: probability. Never 0.

    Raises
    ------
    InsufficientData
        If there are fewer than 2 groups or 3 values, or all values are equal.
    DomainError
        If a group is empty, a value not finite, or "exact" would be too dear.

    Notes
    -----
    Values that share a prompt or a base model are not independent; rows of one model are not values here, give its
    rate.

    References
    ----------
    .. [1] A. R. Jonckheere (1954), Biometrika 41, 133-145.
    .. [2] T. J. Terpstra (1952), Indag. Math. 14, 327-333.

    Examples
    --------
    Rates of three small, three middling and three large models:

    >>> from safescale.stats import jonckheere_terpstra_test
    >>> test = jonckheere_terpstra_test([[0.9, 0.8, 0.7], [0.6, 0.75, 0.5], [0.3, 0.4, 0.55]], alternative="less")
    >>> test.statistic, round(test.p_value, 4), test.method
    (2.0, 0.0048, 'exact')
    """
    columns = [
        vector(f"group {at}", values)
        for at, values in enumerate(iterated("groups", groups, expected="a sequence of groups of numbers"))
    ]
    if len(columns) < 2:
        raise InsufficientData(
            f"a trend over groups needs at least 2 groups, got {len(columns)}; add groups, or use kendall_test on sizes and values"
        )
    for at, column in enumerate(columns):
        if len(column) == 0:
            raise DomainError(f"group {at} holds no value; leave an empty group out")
    choice("alternative", alternative, ALTERNATIVES)
    choice("method", method, CONCORDANCE_METHODS)
    values = np.concatenate(columns)
    number = np.repeat(np.arange(len(columns), dtype=np.float64), [len(column) for column in columns])
    if len(values) < 3:
        raise InsufficientData(f"a trend over groups needs at least 3 values, got {len(values)}; compare two values directly")
    if np.all(values == values[0]):
        raise InsufficientData(
            f"all {len(values)} values equal {values[0]:g}; equal values have no trend to test: report the common value, with an "
            "interval of its counts"
        )
    alike, opposed = agreeing_and_opposed(number, values)
    p_value, p_floor, chosen = p_of_s(number, values, alike - opposed, alternative, method)
    between = untied_pairs(tie_blocks(number))
    return JonckheereTerpstraTest(
        statistic=(alike - opposed + between) / 2,
        expected=between / 2,
        standard_deviation=float(np.sqrt(variance_of_s(tie_blocks(number), tie_blocks(values)))) / 2,
        p_value=p_value,
        p_floor=p_floor,
        method=chosen,
        alternative=alternative,
        n=len(values),
        groups=tuple(tuple(column.tolist()) for column in columns),
    )
