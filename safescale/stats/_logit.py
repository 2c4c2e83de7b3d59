"""What the regressions on the logit scale share: when a line exists, and what it means in percentage points."""

from __future__ import annotations

import numpy as np
import scipy

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector


def refuse_separation(x: FloatVector, k: FloatVector, n: FloatVector) -> None:
    """
    Refuse counts for which the logit line of highest likelihood is vertical or infinitely far up or down.

    That is so when the sizes with a success and those with a failure do not overlap.
    """
    some, rest = x[k > 0], x[k < n]
    if len(some) == 0 or len(rest) == 0:
        which = "no trial is a success" if len(some) == 0 else "every trial is a success"
        raise InsufficientData(f"{which} in any of the {len(x)} models, so the logit is infinite; use meta_regression_slope")
    if some.max() <= rest.min() or some.min() >= rest.max():
        raise InsufficientData(
            "successes and failures are separated by size: no size above (or below) which both occur, so the logit slope is "
            "infinite; use meta_regression_slope"
        )


def average_marginal_effect(coefficients: FloatVector, covariance: FloatVector, design: FloatVector) -> tuple[float, float]:
    """
    Mean slope of the rate over the models, ``b mean(mu (1 - mu))``, and its delta-method standard error.

    Fractions per unit of the second column of the design.
    """
    mu, nu = scipy.special.expit(design @ coefficients), scipy.special.expit(-(design @ coefficients))
    steep, b = mu * nu, float(coefficients[1])
    gradient = b * ((steep * (nu - mu)) @ design) / len(design)
    gradient[1] += steep.mean()
    return b * float(steep.mean()), float(np.sqrt(gradient @ covariance @ gradient))
