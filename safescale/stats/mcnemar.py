"""McNemar's test of two proportions on the same prompts: exact, and with mid-p."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import scipy

from safescale.stats._domain import choice, count
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["McNemarMethod", "McNemarTest", "mcnemar_exact_test", "mcnemar_midp_test"]

McNemarMethod: TypeAlias = Literal["exact", "midp"]

# the smallest normal float: a probability below it is not zero
_TINY = 2.0**-1022


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
    method : {"exact", "midp"}
        How p was computed.
    n10, n01 : int
        Pairs in which only the first, only the second succeeded.
    generalises_to : {"these_models"}
        The prompts replicate, the two models do not.
    """

    p_value: float
    p_floor: float
    alternative: Alternative
    method: McNemarMethod
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
    return _result(p_value, p_floor, alternative, "exact", b, c)


def mcnemar_midp_test(n10: int, n01: int, *, alternative: Alternative = "two-sided") -> McNemarTest:
    """
    McNemar's mid-p test that two proportions on the same prompts are equal.

    As `mcnemar_exact_test`, but what is exactly as extreme as the observed counts is counted half::

        p = 2 P(X <= m) - P(X = m),  m = min(n10, n01)        two-sided, n10 != n01
        p = 1 - P(X = n10) / 2                                two-sided, n10 = n01
        p = P(X > n10) + P(X = n10) / 2                       greater

    Less cautious than the exact test, whose true level is often half of the nominal one; it does not guarantee its
    level, but kept it in the 9595 settings of [1]_. With no disagreeing pair p is 1: there is nothing to halve.

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
    .. [1] M. W. Fagerland, S. Lydersen, P. Laake (2013), BMC Med. Res. Methodol. 13, 91.

    Examples
    --------
    The worked example of the paper, 1 pair against 7:

    >>> from safescale.stats import mcnemar_exact_test, mcnemar_midp_test
    >>> f"{mcnemar_midp_test(1, 7).p_value:.3f}, exact {mcnemar_exact_test(1, 7).p_value:.3f}"
    '0.039, exact 0.070'
    """
    b, c = count("n10", n10), count("n01", n01)
    choice("alternative", alternative, ALTERNATIVES)
    n = b + c
    if n == 0:
        return _result(1.0, 1.0, alternative, "midp", b, c)
    # the mid-p of a tail is the mean of the tail with and without its edge
    if alternative == "two-sided":
        m = min(b, c)
        below, up_to = _at_most(m - 1, n), _at_most(m, n)
        # the middle of an even n is one outcome, not one in each tail
        p_value, p_floor = below + up_to if b != c else 1.0 - (up_to - below) / 2, 2.0**-n
    else:
        k = c if alternative == "greater" else b
        p_value, p_floor = (_at_most(k - 1, n) + _at_most(k, n)) / 2, 2.0**-n / 2
    return _result(p_value, p_floor, alternative, "midp", b, c)


def _result(p_value: float, p_floor: float, alternative: Alternative, method: McNemarMethod, b: int, c: int) -> McNemarTest:
    p_value, p_floor = max(p_value, _TINY), max(p_floor, _TINY)
    return McNemarTest(p_value=p_value, p_floor=p_floor, alternative=alternative, method=method, n10=b, n01=c)


def _at_most(k: int, n: int) -> float:
    """P(X <= k) for X ~ Binomial(n, 1/2); the other tail is its mirror image."""
    if k < 0:
        return 0.0
    return 1.0 if k >= n else float(scipy.special.betainc(n - k, k + 1, 0.5))
