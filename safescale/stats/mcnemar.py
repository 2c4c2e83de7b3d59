"""McNemar's exact test of two proportions on the same prompts."""

from __future__ import annotations

from typing import Literal

import attrs
import scipy

from safescale.stats._domain import choice, count
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["McNemarTest", "mcnemar_exact_test"]


@attrs.frozen(kw_only=True)
class McNemarTest:
    """
    McNemar's test of two proportions on the same prompts.

    Attributes
    ----------
    p_value : float
        In (0, 1]; 1 where no pair disagrees.
    p_floor : float
        The smallest p that this many disagreeing pairs can reach.
    alternative : {"two-sided", "greater", "less"}
        "greater": the first rate is higher.
    n10, n01 : int
        Pairs in which only the first, only the second succeeded.
    generalises_to : {"these_models"}
        The prompts replicate, the two models do not.
    """

    p_value: float
    p_floor: float
    alternative: Alternative
    n10: int
    n01: int
    generalises_to: Literal["these_models"] = "these_models"


def mcnemar_exact_test(n10: int, n01: int, *, alternative: Alternative = "two-sided") -> McNemarTest:
    """
    McNemar's exact test that two proportions on the same prompts are equal.

    Only the pairs that disagree speak; under equality n10 is Binomial(n10 + n01, 1/2)::

        p = min(1, 2 P(X <= min(n10, n01)))        two-sided
        p = P(X >= n10)                            greater

    Parameters
    ----------
    n10 : int
        Prompts on which only the first model complied. Unit: prompts.
    n01 : int
        Prompts on which only the second model complied. Unit: prompts.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": the first rate is higher; "less": it is lower.

    Returns
    -------
    McNemarTest
        Shape: scalar. ``p_value`` and ``p_floor`` in (0, 1]; unit: probability.

    Raises
    ------
    DomainError
        If a count is negative, a bool or a float, or the alternative is unknown.

    References
    ----------
    .. [1] Q. McNemar (1947), Psychometrika 12, 153-157.

    Examples
    --------
    >>> from safescale.stats import mcnemar_exact_test
    >>> f"{mcnemar_exact_test(12, 2).p_value:.4f}"
    '0.0129'
    """
    b, c = count("n10", n10), count("n01", n01)
    choice("alternative", alternative, ALTERNATIVES)
    n = b + c
    if alternative == "two-sided":
        p_value, p_floor = min(1.0, 2 * _at_most(min(b, c), n)), min(1.0, 2.0 * 2.0**-n)
    else:
        p_value, p_floor = _at_most(c if alternative == "greater" else b, n), 2.0**-n
    tiny = 2.0**-1022
    return McNemarTest(p_value=max(p_value, tiny), p_floor=max(p_floor, tiny), alternative=alternative, n10=b, n01=c)


def _at_most(k: int, n: int) -> float:
    """P(X <= k) for X ~ Binomial(n, 1/2); the other tail is its mirror image."""
    return 1.0 if k >= n else float(scipy.special.betainc(n - k, k + 1, 0.5))
