"""What a ratio of two shares of variance, a factor's over a covariate's, comes to when neither has any effect."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import count, real, same_length, squarable, vector
from safescale.stats._one_way import one_way
from safescale.stats._one_way_permutation import between_of_rows
from safescale.stats._tails import seeded

__all__ = ["ShareRatioNull", "share_ratio_null"]


@attrs.frozen(kw_only=True)
class ShareRatioNull:
    """
    A ratio ``eta2 / R2`` beside its distribution under no effect.

    Attributes
    ----------
    ratio : float
        The ratio that was given.
    null_median : float
        Its median where neither factor nor covariate does anything.
    p_as_large : float
        In (0, 1]: share of simulated ratios at least as large, with the given one among them.
    df_factor, df_covariate : int
        Degrees of freedom that the two shares spend: ``k - 1`` and 1.
    draws : int
        Simulated sets of values.
    because : str
        Why the ratio is no comparison.
    generalises_to : {"new_models"}
        Values are the units.
    """

    ratio: float
    null_median: float
    p_as_large: float
    df_factor: int
    df_covariate: int
    draws: int
    because: str
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def share_ratio_null(
    ratio: float,
    groups: Iterable[Hashable] | npt.NDArray[Any],
    covariate: npt.ArrayLike,
    *,
    draws: int = 9_999,
    rng: np.random.Generator | int | None = None,
) -> ShareRatioNull:
    """
    Distribution of eta squared of a factor over R squared of a covariate when the values are normal noise.

    ``eta2`` has ``k - 1`` degrees of freedom and R2 one, so that by chance alone they are about ``(k - 1) / (n - 1)`` and ``1 / (n
    - 1)``; the ratio has no mean at all, because R2 comes arbitrarily close to 0.

    Parameters
    ----------
    ratio : float
        The ratio to be judged, at least 0.
    groups : iterable of hashable or ndarray, shape (values,)
        The factor: at least two groups, fewer than values.
    covariate : array_like of float, shape (values,)
        The covariate, usually log size; not constant.
    draws : int, default 9,999
        Simulated sets of values, at least 99.
    rng : numpy Generator or int, optional
        Source or seed; None is the fixed seed 20260630.

    Returns
    -------
    ShareRatioNull
        Shape: scalar. Unit: ratio.

    Raises
    ------
    InsufficientData
        If the covariate is constant, or there is one group, or each value is its own.
    DomainError
        If a value is out of range, or lengths differ.

    References
    ----------
    .. [1] J. Cohen (1988), Statistical Power Analysis, 2nd ed., chapter 9 (shares and degrees of freedom).

    Examples
    --------
    "Provider explains 57.5 times as much as scale", 21 models of 12 providers:

    >>> from safescale.stats import share_ratio_null
    >>> noise = share_ratio_null(57.5, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, *range(5, 12), 0], range(21))
    >>> 15 < noise.null_median < 30, 0.25 < noise.p_as_large < 0.4, noise.df_factor
    (True, True, 11)
    """
    ratio, x = real("ratio", ratio), squarable("covariate", vector("covariate", covariate), divisor=True)
    if ratio < 0:
        raise DomainError(f"ratio must be at least 0, got {ratio:g}; both shares are")
    draws = count("draws", draws)
    if draws < 99:
        raise DomainError(f"draws must be at least 99, got {draws}; fewer show no tail")
    table = one_way(x, groups, name="covariate")
    same_length("groups", table.n, "covariate", len(x))
    if table.k in (1, table.n):
        raise InsufficientData(f"{table.k} groups of {table.n} values have a fixed share, whatever the values")
    order = np.argsort(table.codes, kind="stable")
    z = (x - x.mean())[order]
    generator = np.random.default_rng(seeded(rng))
    values = generator.standard_normal((draws, table.n))
    values -= values.mean(axis=1, keepdims=True)
    of_covariate = (values @ z) ** 2 / float(z @ z)
    ratios = between_of_rows(values, table.sizes) / of_covariate
    beyond = int(np.count_nonzero(ratios >= ratio))
    return ShareRatioNull(
        ratio=ratio,
        null_median=float(np.median(ratios)),
        p_as_large=(beyond + 1) / (draws + 1),
        df_factor=table.k - 1,
        df_covariate=1,
        draws=draws,
        because=f"it compares {table.k - 1} degrees of freedom with 1"
        if table.k > 2
        else "its denominator comes arbitrarily close to 0 by chance",
    )
