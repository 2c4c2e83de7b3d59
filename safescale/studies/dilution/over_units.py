"""The mean of one number per unit (model, prompt), with the scatter of the units."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats import cluster_robust_ols

__all__ = ["MeanOverUnits", "mean_over_units"]


@attrs.frozen(kw_only=True)
class MeanOverUnits:
    """A mean with its t interval and p, each unit one value; interval and p are None with fewer than 3 units or no scatter."""

    mean: float
    low: float | None
    high: float | None
    p_value: float | None
    units: int


def mean_over_units(values: npt.ArrayLike, *, level: float) -> MeanOverUnits | None:
    """Mean of one value per unit with Student's t on their scatter; None without units."""
    y = np.asarray(values, dtype=np.float64)
    if len(y) == 0:
        return None
    try:
        # each unit a cluster of its own: CR1 of a constant is the one-sample t
        fit = cluster_robust_ols(np.ones((len(y), 1)), y, range(len(y)), kind="CR1", level=level)
    except InsufficientData:
        return MeanOverUnits(mean=float(y.mean()), low=None, high=None, p_value=None, units=len(y))
    low, high = fit.intervals[0].tolist()
    return MeanOverUnits(mean=float(y.mean()), low=low, high=high, p_value=float(fit.p_values[0]), units=len(y))
