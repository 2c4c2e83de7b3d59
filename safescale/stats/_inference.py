"""What every slope on log size shares: the law of three sizes, Student's t, and the case of no scatter."""

from __future__ import annotations

import math

import numpy as np
import scipy

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector

LOG10_OF_2 = math.log10(2.0)
# rates closer than this are equal: below it the differences of fractions are rounding
ROUNDING = 1e-12


def require_three_sizes(x: FloatVector) -> None:
    """Three or more distinct sizes make a slope, two make a difference, one makes nothing."""
    distinct = len(np.unique(x))
    if distinct == 2:
        raise InsufficientData(
            "a slope needs at least 3 distinct sizes, got 2; report raw_difference_per_decade and test the difference itself"
        )
    if distinct < 3:
        raise InsufficientData(f"a slope needs at least 3 distinct sizes, got {distinct}; add models of other sizes")


def no_scatter(residual_sd: float, largest_weight: float, *, n: int, equal: bool) -> str | None:
    """Why a fit has no standard error, in words; None where it has one."""
    if equal:
        return f"all {n} rates are equal, which leaves no scatter to judge a slope by"
    if residual_sd <= ROUNDING * largest_weight:
        return f"the {n} rates lie on the fitted line, which leaves no scatter to judge a slope by"
    return None


def student_inference(slope: float, se: float | None, dof: float, level: float) -> tuple[tuple[float, float] | None, float | None]:
    """Interval (pp per decade) and two-sided p of a slope (fraction per decade)."""
    if se is None:
        return None, None
    t = -float(scipy.special.stdtrit(dof, (1.0 - level) / 2.0))
    p_value = max(float(2 * scipy.special.stdtr(dof, -abs(slope / se))), float(np.finfo(np.float64).tiny))
    return (100 * (slope - t * se), 100 * (slope + t * se)), p_value
