"""Benjamini and Hochberg's step-up correction: the share of false claims among the claims, not the chance of any."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, choice, fraction, vector

__all__ = ["BenjaminiHochbergResult", "Dependence", "benjamini_hochberg"]

Dependence: TypeAlias = Literal["positive", "arbitrary"]


@attrs.frozen(kw_only=True)
class BenjaminiHochbergResult:
    """
    P-values adjusted for their number so that the false discovery rate is controlled.

    Attributes
    ----------
    adjusted : tuple of float
        In the order given; each at least the raw p and at most 1.
    rejected : tuple of bool
        ``adjusted <= alpha``.
    order : tuple of int
        Positions of the p-values from the smallest to the largest, equal ones in the order given.
    rejections : int
        How many are rejected: the first ones of ``order``.
    alpha : float
        Bound on the expected share of true nulls among the rejected.
    dependence : {"positive", "arbitrary"}
        Between the tests, as assumed.
    p_values : tuple of float
        The raw p-values that were given.
    """

    adjusted: tuple[float, ...]
    rejected: tuple[bool, ...]
    order: tuple[int, ...]
    rejections: int
    alpha: float
    dependence: Dependence
    p_values: tuple[float, ...]


def benjamini_hochberg(
    p_values: npt.ArrayLike, *, alpha: float = 0.05, dependence: Dependence = "positive"
) -> BenjaminiHochbergResult:
    """
    Benjamini-Hochberg step-up adjustment of m p-values.

    In increasing order, ``adjusted_(i) = min_{j >= i} min(1, c m p_(j) / j)``, with ``c = 1`` for independent or
    positively dependent tests and ``c = 1 + 1/2 + ... + 1/m`` (Benjamini-Yekutieli) for any dependence.

    Parameters
    ----------
    p_values : array_like of float, shape (hypotheses,)
        Raw p-values in [0, 1], at least one.
    alpha : float, default 0.05
        False discovery rate, strictly between 0 and 1. Unit: fraction of the rejected.
    dependence : {"positive", "arbitrary"}, default "positive"
        "positive": independent tests, or positive regression dependence. "arbitrary": anything else, such as all
        pairwise comparisons of models on the same prompts.

    Returns
    -------
    BenjaminiHochbergResult
        Shape: ``(hypotheses,)`` per tuple. Unit: probability.

    Raises
    ------
    InsufficientData
        If there is no p-value.
    DomainError
        If a value is not a probability, or alpha or dependence is out of range.

    Notes
    -----
    For a list of findings to follow up. A single claim of a report ("larger models are safer in class X") needs the
    family-wise level: `holm`.

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg (1995), J. Roy. Statist. Soc. B 57, 289-300.
    .. [2] Y. Benjamini, D. Yekutieli (2001), Ann. Statist. 29, 1165-1188, theorem 1.3.

    Examples
    --------
    >>> from safescale.stats import benjamini_hochberg
    >>> found = benjamini_hochberg([0.012, 0.6, 0.02, 0.03])
    >>> found.adjusted
    (0.04, 0.6, 0.04, 0.04)
    >>> found.rejections, found.order
    (3, (0, 2, 3, 1))
    """
    p = _probabilities(p_values)
    alpha = fraction("alpha", alpha)
    choice("dependence", dependence, ("positive", "arbitrary"))
    m = len(p)
    c = 1.0 if dependence == "positive" else float(np.sum(1.0 / np.arange(1, m + 1)))
    order = np.argsort(p, kind="stable")
    # c m p / m may round below p
    steps = np.clip(c * m * p[order] / np.arange(1, m + 1), p[order], 1.0)
    adjusted: FloatVector = np.empty(m)
    adjusted[order] = np.minimum.accumulate(steps[::-1])[::-1]
    rejected = adjusted <= alpha
    return BenjaminiHochbergResult(
        adjusted=tuple(adjusted.tolist()),
        rejected=tuple(rejected.tolist()),
        order=tuple(order.tolist()),
        rejections=int(np.count_nonzero(rejected)),
        alpha=alpha,
        dependence=dependence,
        p_values=tuple(p.tolist()),
    )


def _probabilities(values: npt.ArrayLike) -> FloatVector:
    p = vector("p_values", values)
    if len(p) == 0:
        raise InsufficientData("no p-values to adjust; run at least one test")
    if np.any((p < 0) | (p > 1)):
        at = int(np.argmax((p < 0) | (p > 1)))
        raise DomainError(f"p_values must be probabilities in [0, 1], got {p[at]:g} at position {at}")
    return p
