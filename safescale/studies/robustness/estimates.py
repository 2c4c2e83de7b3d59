"""Numbers of one cell as estimates, with prompts as clusters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from safescale.stats import clustered_mean, design_effect_wilson_interval
from safescale.studies.robustness.results import Estimate

__all__ = ["mean_estimate", "nothing", "share_estimate"]

Int8Array = npt.NDArray[np.int8]
FloatArray = npt.NDArray[np.floating]


def nothing(why: str) -> Estimate:
    """An estimate that cannot be had."""
    return Estimate(value=None, why=why)


def share_estimate(verdicts: Int8Array, *, level: float, none: str) -> Estimate:
    """
    Share of ones among the known verdicts, prompts as clusters.

    Parameters
    ----------
    verdicts : ndarray of int8, shape (prompts, samples)
        1, 0, or -1 unknown.
    none : str
        Why, where no verdict is known.
    """
    known = (verdicts >= 0).sum(axis=1)
    held = known > 0
    if not held.any():
        return nothing(none)
    k, n = (verdicts == 1).sum(axis=1)[held], known[held]
    # one prompt shows no spread over prompts: it counts as one trial
    found = design_effect_wilson_interval(k, n, level=level, intraclass_correlation=1.0 if len(n) == 1 else None)
    return Estimate(value=found.estimate, interval=(found.low, found.high), n=int(n.sum()), clusters=len(n))


def mean_estimate(values: FloatArray, *, low: float, high: float, level: float, none: str) -> Estimate:
    """
    Mean of the values that are there, prompts as clusters, with its interval kept inside ``[low, high]``.

    Parameters
    ----------
    values : ndarray of float, shape (prompts, samples)
        NaN where there is none.
    low, high : float
        Between which every value lies.
    none : str
        Why, where there is no value.
    """
    prompt, sample = np.nonzero(~np.isnan(values))
    if not len(prompt):
        return nothing(none)
    found = clustered_mean(values[prompt, sample].astype(np.float64), prompt.tolist(), level=level)
    interval = None if found.interval is None else (max(low, found.interval[0]), min(high, found.interval[1]))
    return Estimate(value=found.estimate, interval=interval, n=found.n, clusters=found.n_first, why=found.undefined_because)
