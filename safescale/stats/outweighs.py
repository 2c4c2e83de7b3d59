"""Which of two effects is the larger in absolute value, from their joint covariance and without knowing their signs."""

from __future__ import annotations

import math

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import as_array, fraction, frozen, real

__all__ = ["Outweighs", "which_outweighs"]


@attrs.frozen(kw_only=True)
class Outweighs:
    """
    How much further a decade of compute moves the outcome than a decade of size does.

    Attributes
    ----------
    difference : float
        ``|compute| - |size|``: above 0 where compute outweighs size. Unit: of the effects.
    interval : tuple of (float, float)
        Two-sided; it excludes 0 exactly where ``p_value < 1 - level``.
    p_value : float
        Two-sided test of equal absolute effects, whatever their signs.
    opposed : bool
        Whether the two effects have opposite signs: only then does size offset what compute does, and only then is the rate of
        exchange positive. Where they have the same sign, ``difference`` still says which moves further.
    size, compute : float
        The effects that were given.
    dof : float
        Degrees of freedom of t.
    level : float
        Nominal coverage.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float
    opposed: bool
    size: float
    compute: float
    dof: float
    level: float


def which_outweighs(size: float, compute: float, covariance: npt.ArrayLike, *, dof: float, level: float = 0.95) -> Outweighs:
    """
    Compare two effects in absolute value.

    ``|c| = |b|`` is ``c - b = 0`` or ``c + b = 0``: the p-value is the larger of the two t tests, which needs no knowledge of the
    signs (intersection-union). The difference is ``max_s min_r (s c - r b)`` over signs s and r, and its limits are the same of the
    limits ``s c - r b -+ t se``; where both signs are plain, that is the interval of ``s c - r b`` with those signs.

    Parameters
    ----------
    size, compute : float
        The effects b and c, in the same unit (per decade of each).
    covariance : array_like of float, shape (2, 2)
        Their covariance, size first.
    dof : float
        Degrees of freedom of t, above 0.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    Outweighs
        Shape: scalar. Unit: of the effects.

    Raises
    ------
    DomainError
        If the covariance is none, or an argument is out of range.

    Notes
    -----
    A sign is part of neither side: an attack lowers refusal, size may raise it, and "outweighs" asks which does more. Fixing the
    signs at the estimates would be too sure where an effect is near 0, because ``|b|`` is then at least what chance makes it.

    References
    ----------
    .. [1] R. L. Berger (1982), Technometrics 24, 295-300 (intersection-union tests).

    Examples
    --------
    Compute lowers refusal by .8 per decade, size raises it by .5:

    >>> from safescale.stats import which_outweighs
    >>> found = which_outweighs(0.5, -0.8, [[0.01, 0.0], [0.0, 0.01]], dof=10)
    >>> f"{found.difference:.1f} [{found.interval[0]:.2f}, {found.interval[1]:.2f}], p = {found.p_value:.3f}"
    '0.3 [-0.02, 0.62], p = 0.060'
    """
    b, c = real("size", size), real("compute", compute)
    level, freedom = fraction("level", level), real("dof", dof)
    if not freedom > 0:
        raise DomainError(f"dof must be above 0, got {freedom:g}")
    v = as_array("covariance", covariance, expected="a 2 by 2 covariance")
    if v.shape != (2, 2) or v.dtype.kind not in "iuf" or not np.all(np.isfinite(v)):
        raise DomainError(f"covariance must be a finite 2 by 2 table, size first, got shape {v.shape}")
    v = frozen(v.astype(np.float64))
    unlike, alike = (float(v[0, 0] + v[1, 1] + sign * 2 * v[0, 1]) for sign in (1, -1))
    if not (unlike > 0 and alike > 0):
        raise DomainError("covariance must be that of two effects that scatter; a sum or difference of theirs has no variance")
    t = -float(scipy.special.stdtrit(freedom, (1.0 - level) / 2.0))
    error = {1: math.sqrt(alike), -1: math.sqrt(unlike)}  # of c - b, and of c + b
    low, high = (max(min(s * c - r * b + side * t * error[s * r] for r in (1, -1)) for s in (1, -1)) for side in (-1, 1))
    p_value = max(2 * float(scipy.special.stdtr(freedom, -abs(c - r * b) / error[r])) for r in (1, -1))
    return Outweighs(
        difference=abs(c) - abs(b),
        interval=(low, high),
        p_value=max(p_value, float(np.finfo(np.float64).tiny)),
        opposed=b * c < 0,
        size=b,
        compute=c,
        dof=freedom,
        level=level,
    )
