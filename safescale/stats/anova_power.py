"""Power of the F test that groups of models (providers, lineages) differ."""

from __future__ import annotations

import math
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, counts, fraction, real

__all__ = ["AnovaPower", "anova_power"]


@attrs.frozen(kw_only=True)
class AnovaPower:
    """
    The chance that a one-way F test over models finds that groups differ.

    Attributes
    ----------
    power : float
        Probability of rejection.
    f_critical : float
        F beyond which the test rejects.
    between_dof, within_dof : int
        ``k - 1`` and ``n - k``.
    n_models, n_groups : int
        Number of models n and of groups k.
    group_sizes : tuple of int
        Models in each group, as given.
    icc : float or None
        True share of the variance between models that lies between groups, groups drawn from many. None if not given.
    eta_squared : float or None
        True share of the variance of these n models that lies between these groups. None if not given.
    alpha : float
        Level of the test.
    generalises_to : {"new_models"}
        Models are the units.
    """

    power: float
    f_critical: float
    between_dof: int
    within_dof: int
    n_models: int
    n_groups: int
    group_sizes: tuple[int, ...]
    icc: float | None
    eta_squared: float | None
    alpha: float
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def anova_power(
    group_sizes: npt.ArrayLike, *, icc: float | None = None, eta_squared: float | None = None, alpha: float = 0.05
) -> AnovaPower:
    """
    Power of the one-way F test over models.

    With ``eta_squared`` the groups are these groups: F is non-central with noncentrality ``n eta^2 / (1 - eta^2)``. With
    ``icc`` they are drawn from many: the group means have variance ``lambda + 1/n_g``, ``lambda = icc / (1 - icc)``, so
    F compares ``sum_j d_j chi^2_1 / (k - 1)`` with ``chi^2_(n-k) / (n - k)``, d_j the non-zero eigenvalues of the
    centred covariance; equal groups give ``(1 + n_g lambda) F_(k-1, n-k)``. All others are integrated exactly [2]_.

    Parameters
    ----------
    group_sizes : array_like of int, shape (groups,)
        Models in each group, at least 1; at least 2 groups, and one of 2 models.
    icc : float, optional
        Share of the variance between models that lies between groups, in [0, 1). Unit: fraction.
    eta_squared : float, optional
        Instead: share within these groups of models, in [0, 1). Unit: fraction.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    AnovaPower
        Shape: scalar. Unit: probability. At 0 the power is alpha.

    Raises
    ------
    InsufficientData
        If there are fewer than 2 groups, or as many groups as models.
    DomainError
        If a value is out of range, or not exactly one of icc and eta_squared is given.

    Notes
    -----
    ``eta_squared`` here is a true value; the observed one is larger by chance, ``(k - 1) / (n - 1)`` under no effect.

    References
    ----------
    .. [1] H. Scheffe (1959), The Analysis of Variance, sections 2.8 and 7.2.
    .. [2] J. P. Imhof (1961), Biometrika 48, 419-426.

    Examples
    --------
    21 models of 12 providers that hold a fifth of the variance; and 8 models each:

    >>> from safescale.stats import anova_power
    >>> round(anova_power([5, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1], icc=0.2).power, 2)
    0.13
    >>> round(anova_power([8] * 12, icc=0.22).power, 2)
    0.84
    """
    sizes = counts("group_sizes", group_sizes)
    if np.any(sizes == 0):
        raise DomainError(f"group_sizes must be at least 1, got 0 at position {int(np.argmin(sizes))}; leave the group out")
    k, n = len(sizes), int(sizes.sum())
    if k < 2:
        raise InsufficientData(f"groups are compared from 2 on, got {k}; add groups")
    if n == k:
        raise InsufficientData(f"{k} groups of one model each leave no scatter within groups; add models to a group")
    alpha = fraction("alpha", alpha)
    share = _share(icc, eta_squared)
    critical = float(scipy.special.fdtri(k - 1, n - k, 1.0 - alpha))
    if icc is None:
        power = _fixed_groups(n, k, n * share / (1.0 - share), critical)
    else:
        power = _random_groups(sizes.astype(np.float64), share / (1.0 - share), critical)
    return AnovaPower(
        power=min(1.0, max(power, 0.0)),
        f_critical=critical,
        between_dof=k - 1,
        within_dof=n - k,
        n_models=n,
        n_groups=k,
        group_sizes=tuple(sizes.tolist()),
        icc=icc,
        eta_squared=eta_squared,
        alpha=alpha,
    )


def _share(icc: float | None, eta_squared: float | None) -> float:
    if (icc is None) == (eta_squared is None):
        raise DomainError("give exactly one of icc (groups drawn from many) and eta_squared (these groups)")
    name, given = ("icc", icc) if icc is not None else ("eta_squared", eta_squared)
    share = real(name, given)
    if not 0.0 <= share < 1.0:
        raise DomainError(f"{name} must lie in [0, 1), got {share:g}")
    return share


def _random_groups(sizes: FloatVector, ratio: float, critical: float) -> float:
    """``P(sum_j d_j chi^2_1 / (k - 1) > critical chi^2_(n-k) / (n - k))``."""
    k, n = len(sizes), float(sizes.sum())
    variance = 1.0 + ratio * sizes
    if np.all(sizes == sizes[0]):
        return float(scipy.special.fdtrc(k - 1, n - k, critical / variance[0]))
    direction = np.sqrt(sizes / n)
    centre = np.eye(k) - np.outer(direction, direction)
    d = np.linalg.eigvalsh(centre * variance @ centre)[1:]
    weights = np.append(d / (k - 1), -critical / (n - k))
    return _positive_form(weights, np.append(np.ones(k - 1), n - k), np.zeros(k))


def _fixed_groups(n_models: int, n_groups: int, noncentrality: float, critical: float) -> float:
    """``P(chi^2_(k-1)(noncentrality) / (k - 1) > critical chi^2_(n-k) / (n - k))``."""
    dofs = np.array([n_groups - 1.0, n_models - n_groups])
    return _positive_form(np.array([1.0, -critical]) / dofs, dofs, np.array([noncentrality, 0.0]))


def _positive_form(weights: FloatVector, dofs: FloatVector, noncentralities: FloatVector) -> float:
    """
    Imhof's ``P(sum_r w_r chi^2_(h_r)(c_r) > 0) = 1/2 + (1/pi) int_0^inf sin(theta) / (u rho) du``.

    ``theta = sum h_r atan(w_r u) / 2 + c_r w_r u / (1 + w_r^2 u^2) / 2`` and ``rho = prod (1 + w_r^2 u^2)^(h_r / 4) exp(c_r
    w_r^2 u^2 / (1 + w_r^2 u^2) / 2)``. With ``u = e^v`` the integrand falls off exponentially on both sides, where the
    trapezoid rule with halved steps converges at once. SciPy's ``ncfdtr`` is NaN for some large noncentralities.
    """
    w = weights / np.abs(weights).max()
    smallest = float(np.abs(w[w != 0]).min())
    low, high = -45.0 - math.log(float((dofs + noncentralities).sum())), 45.0 - math.log(smallest)
    step, last = 0.1, math.inf
    while True:
        scaled = np.outer(np.exp(np.arange(low, high, step)), w)
        share = scaled**2 / (1.0 + scaled**2)
        theta = np.arctan(scaled) @ dofs / 2 + (scaled / (1.0 + scaled**2)) @ noncentralities / 2
        log_rho = np.log1p(scaled**2) @ dofs / 4 + share @ noncentralities / 2
        total = float(np.sum(np.sin(theta) * np.exp(-log_rho))) * step / math.pi
        if abs(total - last) < 1e-12 or step < 1e-3:
            return 0.5 + total
        step, last = step / 2, total
