"""PABAK: agreement on the scale of kappa, as if all labels were equally common and the graders alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import attrs

from safescale.errors import InsufficientData
from safescale.stats._agreement import category_codes, labels, score_bounds
from safescale.stats._domain import fraction, same_length

__all__ = ["Pabak", "pabak"]


@attrs.frozen(kw_only=True)
class Pabak:
    """
    Prevalence- and bias-adjusted kappa with its interval.

    Attributes
    ----------
    pabak : float or None
        ``(q po - 1) / (q - 1)``, in [-1/(q - 1), 1]; None with a single category.
    interval : tuple of (float, float) or None
        Wilson's interval of the agreement, on this scale.
    observed_agreement : float
        Share of traces with the same label (fraction).
    agreeing, n : int
        Traces with the same label, and all. Unit: traces.
    categories : tuple
        The labels; their number q enters the coefficient.
    level : float
        Nominal coverage.
    undefined_because : str or None
        Why the coefficient is None.
    """

    pabak: float | None
    interval: tuple[float, float] | None
    observed_agreement: float
    agreeing: int
    n: int
    categories: tuple[Hashable, ...]
    level: float
    undefined_because: str | None


def pabak(
    a: Sequence[Hashable], b: Sequence[Hashable], *, categories: Sequence[Hashable] | None = None, level: float = 0.95
) -> Pabak:
    """
    Prevalence- and bias-adjusted kappa of two graders.

    With the share ``po`` of traces that got the same label of q from both::

        PABAK = (q po - 1) / (q - 1)        = 2 po - 1 for two labels

    It is the raw agreement on another scale, so Wilson's interval of ``po`` gives its interval.

    Parameters
    ----------
    a, b : sequence of labels, shape (traces,)
        The label of each trace by the first and the second grader. None and NaN are refused.
    categories : sequence of labels, optional
        All labels that a grader could give. Default: the labels seen.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    Pabak
        Shape: scalar. Unit: none (pabak), fraction (agreement).

    Raises
    ------
    InsufficientData
        If there is no trace.
    DomainError
        If lengths differ, or a label is missing or not among the categories.

    References
    ----------
    .. [1] T. Byrt, J. Bishop, J. B. Carlin (1993), J. Clin. Epidemiol. 46, 423-429.
    .. [2] R. L. Brennan, D. J. Prediger (1981), Educ. Psychol. Meas. 41, 687-699 (q labels).

    Examples
    --------
    >>> from safescale.stats import pabak
    >>> result = pabak(["no"] * 20, ["no"] * 20, categories=("yes", "no"))
    >>> f"{result.pabak:.2f} [{result.interval[0]:.2f}, {result.interval[1]:.2f}]"
    '1.00 [0.68, 1.00]'
    """
    first, second = labels("a", a), labels("b", b)
    same_length("a", len(first), "b", len(second))
    if not first:
        raise InsufficientData("agreement needs at least one trace that both graders labelled, got none")
    level = fraction("level", level)
    names = tuple(category_codes(categories, first + second))
    q, n = len(names), len(first)
    agreeing = sum(x == y for x, y in zip(first, second, strict=True))
    po = agreeing / n
    low, high = score_bounds(po, n, level)
    alone = q == 1
    return Pabak(
        pabak=None if alone else (q * po - 1) / (q - 1),
        interval=None if alone else ((q * low - 1) / (q - 1), (q * high - 1) / (q - 1)),
        observed_agreement=po,
        agreeing=agreeing,
        n=n,
        categories=names,
        level=level,
        undefined_because=f"one category only ({names[0]!r}); name all of them with categories=(...)" if alone else None,
    )
