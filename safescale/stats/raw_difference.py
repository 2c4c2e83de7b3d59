"""The difference that two model sizes allow, per decade: a description, never a test."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import sizes_and_rates
from safescale.stats.sizes import spread_decades

__all__ = ["RawDifference", "raw_difference_per_decade"]


@attrs.frozen(kw_only=True)
class RawDifference:
    """
    The difference of a rate between two model sizes, per decade of size; a description, not a test.

    Attributes
    ----------
    difference_pp : float
        Rate at the larger size minus rate at the smaller, percentage points.
    difference_pp_per_decade : float
        The same divided by ``decades``.
    decades : float
        ``log10(larger / smaller)``.
    smaller_b, larger_b : float
        The two sizes, billions of parameters.
    n : int
        Number of models.
    params_b, rates : tuple of float
        The inputs that were given.
    generalises_to : {"these_models"}
        Two sizes say nothing about others.
    """

    difference_pp: float
    difference_pp_per_decade: float
    decades: float
    smaller_b: float
    larger_b: float
    n: int
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "these_models"


def raw_difference_per_decade(params_b: npt.ArrayLike, rates: npt.ArrayLike) -> RawDifference:
    """
    Difference of a rate between exactly two model sizes, divided by their distance in decades.

    ``100 (mean rate at the larger - mean rate at the smaller) / log10(larger / smaller)``: the number that a line
    through two sizes has as its slope. It has no scatter, hence no p-value here; test the difference itself
    (`fisher_exact_test`, `newcombe_interval`, or their paired forms).

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, exactly 2 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].

    Returns
    -------
    RawDifference
        Shape: scalar. Units: percentage points, and percentage points per decade.

    Raises
    ------
    InsufficientData
        If there is one size: no difference in size, nothing to report.
    DomainError
        If there are three or more distinct sizes (use `log_scaling_slope`), or an input is out of range.

    Examples
    --------
    A "+2-6 pp/decade" of a published report is a raw difference; per decade it is more:

    >>> from safescale.stats import raw_difference_per_decade
    >>> f"{raw_difference_per_decade([4, 27], [0 / 32, 15 / 241]).difference_pp_per_decade:+.1f}"
    '+7.5'
    """
    x, y = sizes_and_rates(params_b, rates)
    distinct = np.unique(x)
    if len(distinct) < 2:
        raise InsufficientData(
            f"a raw difference needs 2 distinct sizes, got {len(distinct)}; one size has no slope, show its rates"
        )
    if len(distinct) > 2:
        raise DomainError(f"a raw difference is for 2 distinct sizes, got {len(distinct)}; use log_scaling_slope")
    smaller, larger = (float(size) for size in distinct)
    difference_pp = 100 * float(y[x == larger].mean() - y[x == smaller].mean())
    decades = spread_decades(x)
    return RawDifference(
        difference_pp=difference_pp,
        difference_pp_per_decade=difference_pp / decades,
        decades=decades,
        smaller_b=smaller,
        larger_b=larger,
        n=len(x),
        params_b=tuple(x.tolist()),
        rates=tuple(y.tolist()),
    )
