"""The difference of two rates of one model on the same prompts, each asked several times: prompts are the clusters."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, choice, counts, fraction, frozen, same_length
from safescale.stats._inference import ROUNDING
from safescale.stats.tango import upper_limit

__all__ = ["PairedClusterMethod", "PairedDifference", "paired_difference"]

PairedClusterMethod: TypeAlias = Literal["clustered_score", "clustered_t"]
_TINY = float(np.finfo(np.float64).tiny)


@attrs.frozen(kw_only=True)
class PairedDifference:
    """
    The difference of two rates of one model on the same prompts, prompts as clusters.

    Attributes
    ----------
    delta : float
        Mean over prompts of treated rate minus control rate, in [-1, 1].
    control_rate, treated_rate : float
        Means over prompts of the rates, ``delta = treated_rate - control_rate``.
    standard_error : float
        ``sd(d) / sqrt(prompts)`` of the prompts' differences d; 0 where all are equal, which is no certainty.
    interval : tuple of (float, float) or None
        Two-sided interval at ``level`` within [-1, 1], holding ``delta``; None where "clustered_t" has no scatter.
    p_value : float or None
        Two-sided p of no difference, by the method of the interval.
    variance : float
        Sampling variance for weights, positive also where no prompt differs.
    prompts, residual_dof : int
        Prompts, and ``prompts - 1``.
    differing : int
        Prompts whose two rates differ.
    level : float
        Nominal coverage of ``interval``.
    method : {"clustered_score", "clustered_t"}
        How interval and p were computed.
    undefined_because : str or None
        Why interval and p are None.
    control_successes, control_trials, treated_successes, treated_trials : ndarray of int, shape (prompts,)
        The counts that were given.
    generalises_to : {"these_models"}
        The prompts replicate, the model does not.
    """

    delta: float
    control_rate: float
    treated_rate: float
    standard_error: float
    interval: tuple[float, float] | None
    p_value: float | None
    variance: float
    prompts: int
    residual_dof: int
    differing: int
    level: float
    method: PairedClusterMethod
    undefined_because: str | None
    control_successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    control_trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    treated_successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    treated_trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    generalises_to: Literal["these_models"] = "these_models"


def paired_difference(
    control_successes: npt.ArrayLike,
    control_trials: npt.ArrayLike,
    treated_successes: npt.ArrayLike,
    treated_trials: npt.ArrayLike,
    *,
    method: PairedClusterMethod = "clustered_score",
    level: float = 0.95,
) -> PairedDifference:
    """
    Difference of two rates of one model, paired by prompt, with prompts as clusters.

    ``d_j = treated rate - control rate`` of prompt j, ``delta = mean(d)`` over n prompts: every prompt counts once, however often
    it was asked. With ``S = sum d_j`` and ``R = sum d_j^2``, interval and p by:

    - ``clustered_score``: Tango's score interval with ``b = (R + S) / 2`` and ``c = (R - S) / 2`` in place of the discordant
      pairs n10 and n01, and Student's ``t(n - 1)`` in place of the normal quantile. With one response per prompt and condition b
      and c are n10 and n01; with more, ``(b + c - (b - c)^2 / n) / n^2`` is the clustered variance of delta. Defined also where
      no prompt differs. ``p = P(|t(n - 1)| >= |S| / sqrt(R))``, McNemar's statistic.
    - ``clustered_t``: ``delta +- t(n - 1) sd(d) / sqrt(n)``, clipped to [-1, 1].

    The variance for weights adds two prompts whose answers are coins (``m`` harmonic mean of the trials of a prompt)::

        variance = ((R + (1/m_c + 1/m_t) / 2) / (n + 2) - (S / (n + 2))^2) / (n + 2)

    With one response it is Agresti and Min's: 1/2 added to each of the four cells of the paired table.

    Parameters
    ----------
    control_successes, control_trials : array_like of int, shape (prompts,)
        Counts per prompt under the control, ``0 <= successes <= trials``, ``trials >= 1``. Unit: traces.
    treated_successes, treated_trials : array_like of int, shape (prompts,)
        Counts of the same prompts under the treatment. Unit: traces.
    method : {"clustered_score", "clustered_t"}, default "clustered_score"
        How interval and p are computed.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    PairedDifference
        Shape: scalar. Unit: difference of fractions.

    Raises
    ------
    InsufficientData
        If there are fewer than 2 prompts.
    DomainError
        If a count is out of range, a prompt has no trials under one of the two, or lengths differ.

    References
    ----------
    .. [1] T. Tango (1998), Statist. Med. 17, 891-908, equations 6 to 8.
    .. [2] A. Agresti, Y. Min (2005), Statist. Med. 24, 729-740 (adding 1/2 to each cell).
    .. [3] J. N. K. Rao, A. J. Scott (1992), Biometrics 48, 577-585 (clustered counts as counts of their variance).

    Examples
    --------
    >>> from safescale.stats import paired_difference
    >>> found = paired_difference([0, 1, 0, 2, 0, 3], [3] * 6, [1, 3, 0, 3, 1, 3], [3] * 6)
    >>> f"{found.delta:.3f} [{found.interval[0]:.3f}, {found.interval[1]:.3f}], p = {found.p_value:.3f}"
    '0.278 [-0.427, 0.689], p = 0.117'
    """
    control, n_control = _counts("control", control_successes, control_trials)
    treated, n_treated = _counts("treated", treated_successes, treated_trials)
    same_length("control_trials", len(control), "treated_trials", len(treated))
    choice("method", method, ("clustered_score", "clustered_t"))
    level = fraction("level", level)
    n = len(control)
    if n < 2:
        raise InsufficientData(f"the spread over prompts needs at least 2 prompts, got {n}; add prompts")
    # cross products are whole numbers, so equal rates of unequal trials differ by exactly 0
    d = (treated * n_control - control * n_treated) / (n_control * n_treated)
    delta, scatter = float(d.mean()), float(d.std(ddof=1))
    standard_error = 0.0 if scatter <= ROUNDING else scatter / math.sqrt(n)
    interval, p_value, reason = _inference(d, delta, standard_error, method, level)
    return PairedDifference(
        delta=delta,
        control_rate=float((control / n_control).mean()),
        treated_rate=float((treated / n_treated).mean()),
        standard_error=standard_error,
        interval=interval,
        p_value=p_value,
        variance=_weighting_variance(d, n_control, n_treated),
        prompts=n,
        residual_dof=n - 1,
        differing=int(np.count_nonzero(d)),
        level=level,
        method=method,
        undefined_because=reason,
        control_successes=frozen(control),
        control_trials=frozen(n_control),
        treated_successes=frozen(treated),
        treated_trials=frozen(n_treated),
    )


def _counts(name: str, successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[IntVector, IntVector]:
    k, n = counts(f"{name}_successes", successes), counts(f"{name}_trials", trials)
    same_length(f"{name}_successes", len(k), f"{name}_trials", len(n))
    if np.any(n == 0):
        raise DomainError(
            f"{name}_trials must be at least 1 for every prompt, got 0 at position {int(np.argmin(n))}; a pair needs both "
            "rates: drop the prompt and say how many were dropped"
        )
    if np.any(k > n):
        at = int(np.argmax(k > n))
        raise DomainError(f"{name}_successes must not exceed {name}_trials, got {k[at]} of {n[at]} at position {at}")
    return k, n


def _inference(
    d: FloatVector, delta: float, standard_error: float, method: PairedClusterMethod, level: float
) -> tuple[tuple[float, float] | None, float | None, str | None]:
    n = len(d)
    t = -float(scipy.special.stdtrit(n - 1, (1.0 - level) / 2.0))
    total, square = float(d.sum()), float(d @ d)
    if method == "clustered_score":
        b, c = max(0.0, (square + total) / 2), max(0.0, (square - total) / 2)
        low, high = -upper_limit(c, b, n, t * t), upper_limit(b, c, n, t * t)
        statistic = 0.0 if square == 0 else abs(total) / math.sqrt(square)
    elif standard_error == 0:
        return None, None, f"all {n} prompts differ by the same, which leaves no scatter; use method='clustered_score'"
    else:
        low, high = max(-1.0, delta - t * standard_error), min(1.0, delta + t * standard_error)
        statistic = abs(delta) / standard_error
    p_value = max(_TINY, float(2 * scipy.special.stdtr(n - 1, -statistic)))
    return (min(low, delta), max(high, delta)), p_value, None


def _weighting_variance(d: FloatVector, n_control: IntVector, n_treated: IntVector) -> float:
    coins = float(np.mean(1 / n_control) + np.mean(1 / n_treated)) / 2
    n = len(d) + 2
    return (((float(d @ d) + coins) / n) - (float(d.sum()) / n) ** 2) / n
