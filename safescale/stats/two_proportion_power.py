"""Power to tell the rates of two models apart: the tables are counted, not approximated."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import FloatVector, choice, count, fraction, real
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["TwoProportionPower", "TwoProportionTest", "two_proportion_power"]

TwoProportionTest: TypeAlias = Literal["fisher", "score"]

# one million tables take a fifth of a second
_MAX_TABLES = 10_000_000
# tables as probable as the observed one, up to rounding, count as such (fisher.py)
_RELATIVE_TOLERANCE = 1e-7


@attrs.frozen(kw_only=True)
class TwoProportionPower:
    """
    The chance that a test of two independent proportions rejects.

    Attributes
    ----------
    power : float
        Probability of rejection at the two rates.
    size : float
        The same with both rates at their mean, weighted by trials: what alpha really is there.
    effective_trials_1, effective_trials_2 : int
        Trials over the design effect, rounded down.
    rate_1, rate_2 : float
        The true rates (fractions).
    trials_1, trials_2 : int
        The trials that were given.
    design_effect : float
        Factor by which shared prompts inflate the variance.
    test : {"fisher", "score"}
        Fisher's exact test, or the pooled score (z) test.
    alpha : float
        Nominal level.
    alternative : {"two-sided", "greater", "less"}
        "greater": the first rate is higher.
    generalises_to : {"these_models"}
        Rows replicate: the test speaks of the two models that were run.
    """

    power: float
    size: float
    effective_trials_1: int
    effective_trials_2: int
    rate_1: float
    rate_2: float
    trials_1: int
    trials_2: int
    design_effect: float
    test: TwoProportionTest
    alpha: float
    alternative: Alternative
    generalises_to: Literal["these_models", "new_models"] = "these_models"


def two_proportion_power(
    rate_1: float,
    rate_2: float,
    trials_1: int,
    trials_2: int,
    *,
    test: TwoProportionTest = "fisher",
    design_effect: float = 1.0,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> TwoProportionPower:
    """
    Exact power of a test of two independent proportions.

    ``sum over tables of Bin(k1; n1, p1) Bin(k2; n2, p2)`` where the test rejects. Fisher's test rejects where its p is
    at most alpha; the score test where ``z = (r1 - r2) / sqrt(r (1 - r) (1/n1 + 1/n2))``, r the pooled rate, reaches
    the normal quantile.

    Parameters
    ----------
    rate_1, rate_2 : float
        True rates in [0, 1]. Unit: fraction.
    trials_1, trials_2 : int
        Trials, at least 1. Unit: traces.
    test : {"fisher", "score"}, default "fisher"
        Fisher's exact test holds its level and is cautious; the score test is near its level on average and may exceed
        it (see ``size``).
    design_effect : float, default 1.0
        At least 1, for traces that share a prompt: ``1 + (traces per prompt - 1) icc``. Trials are divided by it.
    alpha : float, default 0.05
        Level, strictly between 0 and 1. Unit: probability.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": the first rate is higher.

    Returns
    -------
    TwoProportionPower
        Shape: scalar. Unit: probability.

    Raises
    ------
    DomainError
        If a value is out of range, or there are more than 10,000,000 tables.

    Notes
    -----
    Models that answer the same prompts are paired; the comparison is then sharper than this (`mcnemar_exact_test`).

    References
    ----------
    .. [1] J. T. Casagrande, M. C. Pike, P. G. Smith (1978), Appl. Statist. 27, 176-180 (exact power of Fisher's test).

    Examples
    --------
    The cells of report C, 39 and 617 traces: had the larger model doubled the rate, who would have seen it?

    >>> from safescale.stats import two_proportion_power
    >>> found = two_proportion_power(0.15, 0.30, 39, 617)
    >>> round(found.power, 2), found.generalises_to
    (0.52, 'these_models')
    """
    p1, p2 = _rate("rate_1", rate_1), _rate("rate_2", rate_2)
    choice("test", test, ("fisher", "score"))
    choice("alternative", alternative, ALTERNATIVES)
    alpha = fraction("alpha", alpha)
    deff = real("design_effect", design_effect)
    if deff < 1:
        raise DomainError(f"design_effect must be at least 1, got {deff:g}")
    given = tuple(count(name, value) for name, value in (("trials_1", trials_1), ("trials_2", trials_2)))
    n1, n2 = (math.floor(n / deff) for n in given)
    if min(n1, n2) == 0:
        raise DomainError(f"trials over the design effect must be at least 1, got {given[0]} and {given[1]} over {deff:g}")
    if (n1 + 1) * (n2 + 1) > _MAX_TABLES:
        raise DomainError(
            f"{n1} and {n2} trials make more than {_MAX_TABLES:,} tables; use a normal approximation, which is good at these sizes"
        )
    rejected = _fisher_region(n1, n2, alpha, alternative) if test == "fisher" else _score_region(n1, n2, alpha, alternative)
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    return TwoProportionPower(
        power=_mass(rejected, n1, n2, p1, p2),
        size=_mass(rejected, n1, n2, pooled, pooled),
        effective_trials_1=n1,
        effective_trials_2=n2,
        rate_1=p1,
        rate_2=p2,
        trials_1=given[0],
        trials_2=given[1],
        design_effect=deff,
        test=test,
        alpha=alpha,
        alternative=alternative,
    )


def _rate(name: str, value: float) -> float:
    rate = real(name, value)
    if not 0.0 <= rate <= 1.0:
        raise DomainError(f"{name} must be a fraction in [0, 1], got {rate:g}; divide percent by 100")
    return rate


def _mass(rejected: FloatVector, n1: int, n2: int, p1: float, p2: float) -> float:
    return min(1.0, float(_binomial(n1, p1) @ rejected @ _binomial(n2, p2)))


def _binomial(n: int, p: float) -> FloatVector:
    k = np.arange(n + 1)
    log_mass = _log_choose(n) + scipy.special.xlogy(k, p) + scipy.special.xlog1py(n - k, -p)
    return np.asarray(np.exp(log_mass))


def _log_choose(n: int) -> FloatVector:
    k = np.arange(n + 1)
    return np.asarray(scipy.special.gammaln(n + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(n - k + 1))


def _fisher_region(n1: int, n2: int, alpha: float, alternative: Alternative) -> FloatVector:
    """1 where Fisher's test rejects, shape ``(n1 + 1, n2 + 1)``; one anti-diagonal, a total of successes, at a time."""
    choose_1, choose_2 = _log_choose(n1), _log_choose(n2)
    region: FloatVector = np.zeros((n1 + 1, n2 + 1))
    for total in range(n1 + n2 + 1):
        j = np.arange(max(0, total - n2), min(n1, total) + 1)
        log_weight = choose_1[j] + choose_2[total - j]
        probability = np.exp(log_weight - log_weight.max())
        probability /= probability.sum()
        if alternative == "greater":
            p_value = np.cumsum(probability[::-1])[::-1]
        elif alternative == "less":
            p_value = np.cumsum(probability)
        else:
            ordered = np.sort(probability)
            reached = np.searchsorted(ordered, probability * (1 + _RELATIVE_TOLERANCE), side="right")
            p_value = np.cumsum(ordered)[reached - 1]
        region[j, total - j] = p_value <= alpha * (1 + _RELATIVE_TOLERANCE)
    return region


def _score_region(n1: int, n2: int, alpha: float, alternative: Alternative) -> FloatVector:
    k1, k2 = np.arange(n1 + 1)[:, np.newaxis], np.arange(n2 + 1)[np.newaxis, :]
    pooled = (k1 + k2) / (n1 + n2)
    variance = pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)
    # no success, or no failure, at all: no evidence of a difference
    z = np.divide(k1 / n1 - k2 / n2, np.sqrt(variance), out=np.zeros(variance.shape), where=variance > 0)
    critical = -float(scipy.special.ndtri(alpha / 2 if alternative == "two-sided" else alpha))
    directed = {"two-sided": np.abs(z), "greater": z, "less": -z}[alternative]
    return np.asarray(directed >= critical, dtype=np.float64)
