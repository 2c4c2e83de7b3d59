"""The three labels of report 353, kept for comparison with published tables."""

from __future__ import annotations

from typing import Literal, TypeAlias

from safescale.errors import DomainError
from safescale.stats._domain import real

__all__ = ["ScalingLabel", "scaling_label"]

ScalingLabel: TypeAlias = Literal["INVERSE_SCALING", "POSITIVE_SCALING", "FLAT_OR_NOISY"]


def scaling_label(slope_pp_per_decade: float, *, threshold_pp_per_decade: float = 5.0) -> ScalingLabel:
    """
    Label a slope of the attack success rate by the rule of report 353.

    Above ``+threshold``: INVERSE_SCALING (larger models comply more). Below ``-threshold``: POSITIVE_SCALING (larger
    models comply less). Otherwise FLAT_OR_NOISY. The label looks at the estimate alone: it is no test, and
    FLAT_OR_NOISY is no evidence of flatness (see `slope_equivalence_test`).

    Parameters
    ----------
    slope_pp_per_decade : float
        Slope of the rate on log10 size. Unit: percentage points per decade.
    threshold_pp_per_decade : float, default 5.0
        Positive. Unit: percentage points per decade.

    Returns
    -------
    str
        "INVERSE_SCALING", "POSITIVE_SCALING" or "FLAT_OR_NOISY". A slope exactly at the threshold is FLAT_OR_NOISY.

    Raises
    ------
    DomainError
        If the slope is not finite or the threshold not positive.

    References
    ----------
    .. [1] Failure-First report 353, section on preliminary inverse scaling.

    Examples
    --------
    >>> from safescale.stats import scaling_label
    >>> scaling_label(7.5), scaling_label(1.1), scaling_label(-5.17)
    ('INVERSE_SCALING', 'FLAT_OR_NOISY', 'POSITIVE_SCALING')
    """
    slope, threshold = real("slope_pp_per_decade", slope_pp_per_decade), real("threshold", threshold_pp_per_decade)
    if threshold <= 0:
        raise DomainError(f"threshold_pp_per_decade must be positive, got {threshold:g}")
    if slope > threshold:
        return "INVERSE_SCALING"
    return "POSITIVE_SCALING" if slope < -threshold else "FLAT_OR_NOISY"
