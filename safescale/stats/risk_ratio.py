"""The ratio of two independent proportions with Koopman's or Katz's interval, and no number where there is none."""

from __future__ import annotations

from functools import partial
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, choice, fraction, frozen
from safescale.stats._root import increasing_root
from safescale.stats._two_samples import by_blocks, floats, squared_quantile, two_cells, two_columns

__all__ = ["RiskRatioInterval", "RiskRatioIntervals", "RiskRatioMethod", "risk_ratio", "risk_ratio_intervals"]

RiskRatioMethod: TypeAlias = Literal["koopman", "katz"]
_METHODS = ("koopman", "katz")


@attrs.frozen(kw_only=True)
class RiskRatioInterval:
    """
    The ratio ``p1 / p2`` of two independent proportions with its two-sided interval.

    Attributes
    ----------
    estimate : float or None
        Ratio of the two rates, at least 0. None where the second sample has no success.
    low : float or None
        Lower limit, at least 0. None where the method has no interval.
    high : float or None
        Upper limit. None where there is none: with ``low`` a number, every larger ratio is compatible with the data
        (the limit is infinite); with ``low`` None, the method has no interval.
    undefined_because : str or None
        Why something is None, and the next step.
    successes_1, trials_1, successes_2, trials_2 : int
        The counts that were given.
    level : float
        Nominal coverage.
    method : {"koopman", "katz"}
        How the interval was made.
    generalises_to : {"these_models"}
        The trials replicate, the two models do not.
    """

    estimate: float | None
    low: float | None
    high: float | None
    undefined_because: str | None
    successes_1: int
    trials_1: int
    successes_2: int
    trials_2: int
    level: float
    method: RiskRatioMethod
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class RiskRatioIntervals:
    """
    The ratios ``p1 / p2`` of many pairs of independent proportions with their two-sided intervals.

    Attributes
    ----------
    estimate, low, high : ndarray of float, shape (pairs,)
        Ratios, ``0 <= low <= estimate <= high``, never NaN. ``estimate`` and ``high`` are ``inf`` where the second
        sample has no success: arrays hold no None, and the limit is infinite indeed.
    successes_1, trials_1, successes_2, trials_2 : ndarray of int, shape (pairs,)
        The counts that were given.
    level : float
        Nominal coverage of each interval (not of all together).
    method : {"koopman", "katz"}
        How the intervals were made.
    generalises_to : {"these_models"}
        The trials replicate, the models do not.
    """

    estimate: FloatVector = attrs.field(eq=AS_A_WHOLE)
    low: FloatVector = attrs.field(eq=AS_A_WHOLE)
    high: FloatVector = attrs.field(eq=AS_A_WHOLE)
    successes_1: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials_1: IntVector = attrs.field(eq=AS_A_WHOLE)
    successes_2: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials_2: IntVector = attrs.field(eq=AS_A_WHOLE)
    level: float
    method: RiskRatioMethod
    generalises_to: Literal["these_models"] = "these_models"


def risk_ratio(
    successes_1: int,
    trials_1: int,
    successes_2: int,
    trials_2: int,
    *,
    level: float = 0.95,
    method: RiskRatioMethod = "koopman",
) -> RiskRatioInterval:
    """
    Ratio ``p1 / p2`` of two independent proportions with its interval.

    "koopman": the ratios r that the score test does not reject. With ``p1, p2`` the most likely rates under ``p1 = r
    p2``::

        (k1 - n1 p1)^2 / (n1 p1 q1) + (k2 - n2 p2)^2 / (n2 p2 q2) = z^2

    "katz": normal on the log scale, ``log r +- z sqrt(q1 / k1 + q2 / k2)`` with the observed rates.

    Nothing is added to a count. Where a sample has no success, Koopman's interval runs from 0 or without an upper
    limit, and Katz's does not exist.

    Parameters
    ----------
    successes_1, trials_1 : int
        Counts of the first sample, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : int
        Counts of the second sample, the reference. Unit: traces.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    method : {"koopman", "katz"}, default "koopman"
        How the interval is made.

    Returns
    -------
    RiskRatioInterval
        Shape: scalar. Unit: ratio. ``0 <= low <= estimate <= high`` where they exist; what does not exist is None, and
        ``undefined_because`` says why.

    Raises
    ------
    DomainError
        If any argument is outside the range above, or a count is a bool or a float.

    Notes
    -----
    Koopman's equation is solved in the multiplier m of the constraint, in which both rates are simple, ``p1 = (k1 - m)
    / (n1 - m)`` and ``p2 = (k2 + m) / (n2 + m)``; the statistic rises with ``|m|``, so each side has one limit.
    Exchanging the samples inverts the interval.

    References
    ----------
    .. [1] P. A. R. Koopman (1984), Biometrics 40, 513-517.
    .. [2] J. Nam (1995), Biometrical J. 37, 235-246.
    .. [3] D. Katz, J. Baptista, S. P. Azen, M. C. Pike (1978), Biometrics 34, 469-474.

    Examples
    --------
    Nam's example, and a table at which other tools add one half, print 0 or divide by zero:

    >>> from safescale.stats import risk_ratio
    >>> ratio = risk_ratio(36, 40, 16, 80)
    >>> f"{ratio.estimate:.1f} [{ratio.low:.3f}, {ratio.high:.3f}]"
    '4.5 [2.940, 7.152]'
    >>> ratio = risk_ratio(15, 241, 0, 32)
    >>> ratio.estimate, round(ratio.low, 3), ratio.high
    (None, 0.569, None)
    >>> ratio.undefined_because
    'the second sample has no success, so the ratio has no finite estimate and no upper limit'
    """
    (k1, n1, k2, n2), columns = two_cells(successes_1, trials_1, successes_2, trials_2)
    level = fraction("level", level)
    choice("method", method, _METHODS)
    reason = _why_undefined(k1, n1, k2, n2, method)
    low: float | None = None
    high: float | None = None
    if method == "koopman" or reason is None:
        limits = (_koopman if method == "koopman" else _katz)(*columns, level=level)
        low, high = float(limits[1][0]), float(limits[2][0]) if k2 else None
    return RiskRatioInterval(
        estimate=float(_ratio(*columns)[0]) if k2 else None,
        low=low,
        high=high,
        undefined_because=reason,
        successes_1=k1,
        trials_1=n1,
        successes_2=k2,
        trials_2=n2,
        level=level,
        method=method,
    )


def risk_ratio_intervals(
    successes_1: npt.ArrayLike,
    trials_1: npt.ArrayLike,
    successes_2: npt.ArrayLike,
    trials_2: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: RiskRatioMethod = "koopman",
) -> RiskRatioIntervals:
    """
    Ratios of many pairs of proportions at once, each as in `risk_ratio`.

    Parameters
    ----------
    successes_1, trials_1 : array_like of int, shape (pairs,)
        Counts of the first samples, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : array_like of int, shape (pairs,)
        Counts of the second samples, the references. Unit: traces.
    level : float, default 0.95
        Nominal coverage of each interval, strictly between 0 and 1. Unit: probability.
    method : {"koopman", "katz"}, default "koopman"
        How the intervals are made.

    Returns
    -------
    RiskRatioIntervals
        Shape: ``(pairs,)`` per array. Unit: ratio; ``inf`` where the second sample has no success.

    Raises
    ------
    DomainError
        If a cell has no trials or more successes than trials, lengths differ, there is no pair, or a pair has no
        interval by this method: no success in either sample ("koopman"), or no success in one of them or no failure
        in both ("katz"). The message names the position.

    References
    ----------
    .. [1] P. A. R. Koopman (1984), Biometrics 40, 513-517.
    .. [2] D. Katz, J. Baptista, S. P. Azen, M. C. Pike (1978), Biometrics 34, 469-474.

    Examples
    --------
    >>> from safescale.stats import risk_ratio_intervals
    >>> risk_ratio_intervals([36, 15], [40, 241], [16, 0], [80, 32]).high.round(3).tolist()
    [7.152, inf]
    """
    k1, n1, k2, n2 = two_columns(successes_1, trials_1, successes_2, trials_2)
    level = fraction("level", level)
    choice("method", method, _METHODS)
    none = (k1 == 0) & (k2 == 0)
    if method == "katz":
        none = (k1 == 0) | (k2 == 0) | ((k1 == n1) & (k2 == n2))
    if np.any(none):
        at = int(np.argmax(none))
        reason = _why_undefined(int(k1[at]), int(n1[at]), int(k2[at]), int(n2[at]), method)
        raise DomainError(f"no interval at position {at}: {reason}; leave the pair out")
    estimate, low, high = by_blocks(partial(_koopman if method == "koopman" else _katz, level=level), *floats(k1, n1, k2, n2))
    return RiskRatioIntervals(
        estimate=frozen(estimate),
        low=frozen(low),
        high=frozen(high),
        successes_1=frozen(k1),
        trials_1=frozen(n1),
        successes_2=frozen(k2),
        trials_2=frozen(n2),
        level=level,
        method=method,
    )


def _why_undefined(k1: int, n1: int, k2: int, n2: int, method: RiskRatioMethod) -> str | None:
    if k1 == k2 == 0:
        return "neither sample has a success, so every ratio is compatible with the data"
    if method == "katz" and (k1 == 0 or k2 == 0):
        which = "first" if k1 == 0 else "second"
        return f"Katz's standard error needs a success in both samples, and the {which} has none; use method='koopman'"
    if method == "katz" and k1 == n1 and k2 == n2:
        return "every trial succeeded, which leaves Katz's interval no standard error; use method='koopman'"
    if k2 == 0:
        return "the second sample has no success, so the ratio has no finite estimate and no upper limit"
    return None


def _ratio(k1: FloatVector, n1: FloatVector, k2: FloatVector, n2: FloatVector) -> FloatVector:
    return np.divide(k1 * n2, k2 * n1, out=np.full_like(k1, np.inf), where=k2 > 0)


def _katz(
    k1: FloatVector, n1: FloatVector, k2: FloatVector, n2: FloatVector, *, level: float
) -> tuple[FloatVector, FloatVector, FloatVector]:
    ratio = _ratio(k1, n1, k2, n2)
    spread = np.exp(np.sqrt(squared_quantile(level) * ((n1 - k1) / n1 / k1 + (n2 - k2) / n2 / k2)))
    return ratio, ratio / spread, ratio * spread


def _koopman(
    k1: FloatVector, n1: FloatVector, k2: FloatVector, n2: FloatVector, *, level: float
) -> tuple[FloatVector, FloatVector, FloatVector]:
    z2, ratio = squared_quantile(level), _ratio(k1, n1, k2, n2)
    low, inverse_high = _lower_limit(k1, n1, k2, n2, z2), _lower_limit(k2, n2, k1, n1, z2)
    high = np.divide(1.0, inverse_high, out=np.full_like(low, np.inf), where=inverse_high > 0)
    return ratio, np.minimum(low, ratio), np.maximum(high, ratio)


def _lower_limit(k1: FloatVector, n1: FloatVector, k2: FloatVector, n2: FloatVector, z2: float) -> FloatVector:
    """p1 / p2 at the multiplier m in (0, k1] where Koopman's statistic is z^2; 0 where the first sample has no success."""
    none = k1 == 0
    # a stand-in that has an answer, which is then thrown away
    k1 = np.where(none, n1, k1)
    f1, f2 = (n1 - k1) / n1, (n2 - k2) / n2
    most = np.minimum(_alone_1(k1, f1, z2), _alone_2(k2, f2, z2))
    least = np.minimum(_alone_1(k1, f1, z2 / 2), _alone_2(k2, f2, z2 / 2))
    m = increasing_root(partial(_excess, k1, f1, k2, f2, z2), least, most)
    # a full first sample stays full until m = n1; from there on its rate alone makes up what z^2 still lacks
    lacking = np.where(f1 > 0, 0.0, np.maximum(z2 - n1 * (n1 * f2 / (k2 + n1)), 0.0))
    m = np.where(lacking > 0, n1, m)
    p1 = np.where(f1 > 0, (k1 - m) / np.where(f1 > 0, n1 - m, 1.0), n1 / (n1 + lacking))
    return np.where(none, 0.0, p1 * ((n2 + m) / (k2 + m)))


def _excess(
    k1: FloatVector, f1: FloatVector, k2: FloatVector, f2: FloatVector, z2: float, m: FloatVector
) -> tuple[FloatVector, FloatVector]:
    """Koopman's statistic less z^2, ``m^2 (f1 / (k1 - m) + f2 / (k2 + m)) - z^2``, and its derivative in m."""
    one = np.divide(f1, k1 - m, out=np.zeros_like(m), where=f1 > 0)
    two = f2 / (k2 + m)
    value = m * (m * (one + two)) - z2
    slope = m * (np.divide(one * (2 * k1 - m), k1 - m, out=np.zeros_like(m), where=f1 > 0) + two * (2 * k2 + m) / (k2 + m))
    return value, slope


def _alone_1(k: FloatVector, f: FloatVector, z2: float) -> FloatVector:
    """The m with ``m^2 f / (k - m) = z^2``: where the first term alone is z^2; k itself where f = 0."""
    return np.where(f > 0, 2 * z2 * k / (z2 + np.sqrt(z2 * z2 + 4 * f * z2 * k)), k)


def _alone_2(k: FloatVector, f: FloatVector, z2: float) -> FloatVector:
    """The m with ``m^2 f / (k + m) = z^2``: where the second term alone is z^2; infinite where f = 0."""
    return np.divide(z2 + np.sqrt(z2 * z2 + 4 * f * z2 * k), 2 * f, out=np.full_like(k, np.inf), where=f > 0)
