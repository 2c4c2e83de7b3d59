"""What a set of model sizes can test, before any rate is looked at."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats._arrangements import multiplicities
from safescale.stats._domain import choice, group_codes, sizes
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["distinct_sizes", "smallest_attainable_p", "spread_decades"]


def distinct_sizes(params_b: npt.ArrayLike) -> tuple[float, ...]:
    """
    The distinct model sizes in increasing order.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes. Unit: billions of parameters.

    Returns
    -------
    tuple of float
        Unit: billions of parameters. Empty for no models.

    Raises
    ------
    DomainError
        If a size is not positive and finite.

    Examples
    --------
    >>> from safescale.stats import distinct_sizes
    >>> distinct_sizes([70.6, 8, 70.6])
    (8.0, 70.6)
    """
    return tuple(np.unique(sizes(params_b)).tolist())


def spread_decades(params_b: npt.ArrayLike) -> float:
    """
    Range of the model sizes, ``log10(largest / smallest)``.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least one. Unit: billions of parameters.

    Returns
    -------
    float
        Unit: decades. 0 for one size.

    Raises
    ------
    InsufficientData
        If there is no model.
    DomainError
        If a size is not positive and finite.

    Examples
    --------
    >>> from safescale.stats import spread_decades
    >>> round(spread_decades([4, 27]), 3)
    0.829
    """
    x = sizes(params_b)
    if len(x) == 0:
        raise InsufficientData("the spread of no sizes is unknown; give at least one model with a known size")
    return math.log10(float(x.max())) - math.log10(float(x.min()))


def smallest_attainable_p(
    params_b: npt.ArrayLike,
    *,
    groups: Iterable[Hashable] | None = None,
    alternative: Alternative = "two-sided",
) -> float:
    """
    The smallest p-value that a permutation of models can reach at these sizes, whatever the rates.

    With ``a_k`` models at the k-th distinct size, ``prod(a_k!) / n!`` in one tail and twice that in two: ``2/n!`` for
    untied sizes. Within groups, the product over the groups.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least one. Unit: billions of parameters.
    groups : iterable of hashable, shape (models,), optional
        Lineage of each model; permutations then stay within a lineage.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Two-sided doubles the tail.

    Returns
    -------
    float
        Unit: probability, in (0, 1]. 1 where no permutation changes anything.

    Raises
    ------
    InsufficientData
        If there is no model.
    DomainError
        If a size is not positive and finite, or the groups do not match.

    Examples
    --------
    Four models cannot reach .05, nor can three lineages of two:

    >>> from safescale.stats import smallest_attainable_p
    >>> round(smallest_attainable_p([0.8, 1.9, 4.2, 9.0]), 4)
    0.0833
    >>> smallest_attainable_p([4, 27, 8, 70, 7, 72], groups=["gemma", "gemma", "llama", "llama", "qwen", "qwen"])
    0.25
    """
    x = sizes(params_b)
    choice("alternative", alternative, ALTERNATIVES)
    if len(x) == 0:
        raise InsufficientData("no permutation of no models; give at least one model with a known size")
    codes = np.zeros(len(x), dtype=np.int64) if groups is None else group_codes(groups, len(x))[1]
    share = Fraction(1)
    for code in range(int(codes.max()) + 1):
        members = x[codes == code]
        ties = math.prod(math.factorial(m) for m in multiplicities(members))
        share *= Fraction(ties, math.factorial(len(members)))
    return float(min(Fraction(1), 2 * share if alternative == "two-sided" else share))
