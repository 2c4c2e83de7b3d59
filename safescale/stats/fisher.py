"""Fisher's exact test of two independent proportions."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np

from safescale.stats._domain import choice, successes_of_trials
from safescale.stats._hypergeometric import tables

__all__ = ["Alternative", "FisherExactTest", "fisher_exact_test"]

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
ALTERNATIVES = ("two-sided", "greater", "less")

# tables whose probability equals the observed one up to rounding count as equally extreme (R uses the same)
_RELATIVE_TOLERANCE = 1e-7


@attrs.frozen(kw_only=True)
class FisherExactTest:
    """
    Fisher's exact test of two independent proportions.

    Attributes
    ----------
    p_value : float
        In (0, 1]; 1 where the margins allow one table only.
    estimate : float
        ``p1 - p2``, difference of fractions.
    alternative : {"two-sided", "greater", "less"}
        "greater": the first rate is higher.
    successes_1, trials_1, successes_2, trials_2 : int
        The counts that were given.
    generalises_to : {"these_models"}
        The trials replicate, the two models do not.
    """

    p_value: float
    estimate: float
    alternative: Alternative
    successes_1: int
    trials_1: int
    successes_2: int
    trials_2: int
    generalises_to: Literal["these_models"] = "these_models"


def fisher_exact_test(
    successes_1: int, trials_1: int, successes_2: int, trials_2: int, *, alternative: Alternative = "two-sided"
) -> FisherExactTest:
    """
    Fisher's exact test that two independent proportions are equal.

    Given both margins, the first count k1 is hypergeometric. Two-sided, p is the total probability of all tables that
    are at most as probable as the observed one (up to a relative 1e-7)::

        P(j) = C(n1, j) C(n2, K - j) / C(n1 + n2, K),    K = k1 + k2

    Parameters
    ----------
    successes_1, trials_1 : int
        Counts of the first sample, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : int
        Counts of the second sample. Unit: traces.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": the first rate is higher; "less": it is lower.

    Returns
    -------
    FisherExactTest
        Shape: scalar. ``p_value`` in (0, 1]; unit: probability.

    Raises
    ------
    DomainError
        If any argument is outside the range above, a count is a bool or a float, or more than 5,000,000 tables are
        possible.

    References
    ----------
    .. [1] R. A. Fisher (1935), J. Roy. Statist. Soc. 98, 39-82.

    Examples
    --------
    5 of 39 at 8B against 92 of 617 at 70B is no evidence of anything:

    >>> from safescale.stats import fisher_exact_test
    >>> f"{fisher_exact_test(92, 617, 5, 39).p_value:.2f}"
    '1.00'
    """
    k1, n1 = successes_of_trials(successes_1, trials_1, suffix="_1")
    k2, n2 = successes_of_trials(successes_2, trials_2, suffix="_2")
    choice("alternative", alternative, ALTERNATIVES)
    j, log_weight = tables(n1, n2, k1 + k2, instead="use miettinen_nurminen_test")
    probability = np.exp(log_weight)
    probability /= probability.sum()
    if alternative == "greater":
        counted = j >= k1
    elif alternative == "less":
        counted = j <= k1
    else:
        counted = probability <= probability[j == k1] * (1 + _RELATIVE_TOLERANCE)
    p_value = 1.0 if counted.all() else float(min(1.0, probability[counted].sum()))
    return FisherExactTest(
        # a probability below the smallest float is not zero
        p_value=max(p_value, float(np.finfo(np.float64).tiny)),
        estimate=k1 / n1 - k2 / n2,
        alternative=alternative,
        successes_1=k1,
        trials_1=n1,
        successes_2=k2,
        trials_2=n2,
    )
