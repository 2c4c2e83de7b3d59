"""Holm's step-down correction, and whether it could have rejected at all."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, fraction, same_length, vector

__all__ = ["HolmResult", "holm"]


@attrs.frozen(kw_only=True)
class HolmResult:
    """
    P-values adjusted for their number by Holm's method.

    Attributes
    ----------
    adjusted : tuple of float
        In the order given; each at least the raw p and at most 1.
    rejected : tuple of bool
        ``adjusted <= alpha``.
    attainable : bool or None
        Whether any hypothesis could be rejected, were every p at its floor. None without floors.
    adjusted_floor : float or None
        The smallest adjusted p that the floors allow.
    alpha : float
        Family-wise level.
    p_values : tuple of float
        The raw p-values that were given.
    floors : tuple of float or None
        The floors that were given.
    """

    adjusted: tuple[float, ...]
    rejected: tuple[bool, ...]
    attainable: bool | None
    adjusted_floor: float | None
    alpha: float
    p_values: tuple[float, ...]
    floors: tuple[float, ...] | None


def holm(p_values: npt.ArrayLike, *, alpha: float = 0.05, floors: npt.ArrayLike | None = None) -> HolmResult:
    """
    Holm's step-down adjustment of m p-values.

    In increasing order, ``adjusted_(i) = max_{j <= i} min(1, (m - j + 1) p_(j))``.

    Parameters
    ----------
    p_values : array_like of float, shape (hypotheses,)
        Raw p-values in [0, 1], at least one.
    alpha : float, default 0.05
        Family-wise level, strictly between 0 and 1. Unit: probability.
    floors : array_like of float, shape (hypotheses,), optional
        The smallest p that each test can reach, at most its p.

    Returns
    -------
    HolmResult
        Shape: ``(hypotheses,)`` per tuple. Unit: probability.

    Raises
    ------
    InsufficientData
        If there is no p-value.
    DomainError
        If a value is not a probability, a floor exceeds its p, or lengths differ.

    References
    ----------
    .. [1] S. Holm (1979), Scand. J. Statist. 6, 65-70.

    Examples
    --------
    >>> from safescale.stats import holm
    >>> holm([0.01, 0.04, 0.03]).adjusted
    (0.03, 0.06, 0.06)

    Four models each in two classes: even perfect orders cannot be significant.

    >>> holm([0.0833, 0.75], floors=[0.0833, 0.0833]).attainable
    False
    """
    p = _probabilities("p_values", p_values)
    alpha = fraction("alpha", alpha)
    if len(p) == 0:
        raise InsufficientData("no p-values to adjust; run at least one test")
    adjusted = _step_down(p)
    attainable, adjusted_floor, f = None, None, None
    if floors is not None:
        f = _probabilities("floors", floors)
        same_length("p_values", len(p), "floors", len(f))
        above = f > p * (1 + 1e-12)  # the same fraction may reach us rounded in two ways
        if np.any(above):
            at = int(np.argmax(above))
            raise DomainError(f"a floor must not exceed its p-value, got {f[at]:g} > {p[at]:g} at position {at}")
        adjusted_floor = float(_step_down(f).min())
        attainable = adjusted_floor <= alpha
    return HolmResult(
        adjusted=tuple(adjusted.tolist()),
        rejected=tuple((adjusted <= alpha).tolist()),
        attainable=attainable,
        adjusted_floor=adjusted_floor,
        alpha=alpha,
        p_values=tuple(p.tolist()),
        floors=None if f is None else tuple(f.tolist()),
    )


def _step_down(p: FloatVector) -> FloatVector:
    order = np.argsort(p, kind="stable")
    m = len(p)
    adjusted: FloatVector = np.empty(m)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate((m - np.arange(m)) * p[order]))
    return adjusted


def _probabilities(name: str, values: npt.ArrayLike) -> FloatVector:
    p = vector(name, values)
    if np.any((p < 0) | (p > 1)):
        at = int(np.argmax((p < 0) | (p > 1)))
        raise DomainError(f"{name} must be probabilities in [0, 1], got {p[at]:g} at position {at}")
    return p
