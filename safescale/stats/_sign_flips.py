"""The sign-flip test of a mean of differences: all patterns of signs while they are few, random ones beyond."""

from __future__ import annotations

import numpy as np

from safescale.stats._domain import FloatVector
from safescale.stats._tails import DEFAULT_SEED, RESAMPLES, tail_share

MOST_EXACT = 18


def sign_flip_floor(units: int) -> float:
    """The smallest p that so many differences can reach."""
    return max(2.0 * 0.5**units, 0.0 if units <= MOST_EXACT else 1.0 / (RESAMPLES + 1))


def sign_flip_p_value(differences: FloatVector) -> float:
    """Share of the sign patterns whose sum is at least as far from 0; all patterns up to 18 units, random ones beyond."""
    exact = len(differences) <= MOST_EXACT
    if exact:
        sums = np.zeros(1)
        for difference in differences:
            sums = np.concatenate([sums - difference, sums + difference])
    else:
        rng = np.random.default_rng(DEFAULT_SEED)
        sums = (rng.integers(0, 2, (RESAMPLES, len(differences))) * 2 - 1) @ differences
    tolerance = 1e-9 * float(np.abs(differences).sum())
    observed = float(differences.sum())
    return tail_share(sums, observed, "two-sided", doubled=False, extra=0 if exact else 1, tolerance=tolerance)
