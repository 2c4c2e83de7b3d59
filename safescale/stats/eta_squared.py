"""Eta squared of values in groups, never without its unbiased siblings, its expectation under no effect and its test."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, count, fraction, frozen, real
from safescale.stats._noncentral_f import noncentrality_limits
from safescale.stats._one_way import OneWay, one_way
from safescale.stats._one_way_permutation import VariancePermutationMethod, permutation_p

__all__ = ["EtaSquared", "VarianceSharesFromF", "eta_squared", "variance_shares_from_f"]

_TINY = float(np.finfo(np.float64).tiny)


@attrs.frozen(kw_only=True)
class EtaSquared:
    """
    The share of the sum of squares that lies between groups, with what keeps it from being misread.

    Attributes
    ----------
    eta_squared : float
        ``SS_between / SS_total``, in [0, 1]. It rises with the number of groups whatever they are.
    epsilon_squared, omega_squared : float or None
        The share corrected for that, by Kelley and by Hays. Negative where groups differ less than chance has them differ.
        None where no group holds two values.
    null_expectation : float
        ``(k - 1) / (n - 1)``: the mean of eta squared over all assignments of the values to the groups, exactly.
    f, p_value : float or None
        F ratio and its p for normal values of equal spread. None as ``undefined_because`` says.
    p_permutation : float
        In (0, 1]: the share of assignments with an eta squared at least as large.
    permutation_method : {"exact", "monte_carlo", "beta_moments"}
        How ``p_permutation`` was computed.
    resamples : int
        Arrangements enumerated or drawn; 0 for "beta_moments".
    interval : tuple of (float, float) or None
        Two-sided interval at ``level`` of the population's eta squared, ``lambda / (lambda + n)`` for the noncentralities
        lambda that F does not reject.
    level : float
        Nominal coverage of ``interval``.
    df_between, df_within, n : int
        ``k - 1``, ``n - k`` and the number of values.
    groups : tuple
        The distinct groups.
    group_sizes, group_means : ndarray, shape (groups,)
        Number of values in each and their mean, which with the sums of squares stand for the values that were given.
    sum_of_squares_between, sum_of_squares_within : float
        In squared units of the values.
    undefined_because : str or None
        Why a field is None.
    generalises_to : {"new_models"}
        Values are the units: p and interval speak of further ones from these same groups.
    caveat : str
        What the result does not say.
    """

    eta_squared: float
    epsilon_squared: float | None
    omega_squared: float | None
    null_expectation: float
    f: float | None
    p_value: float | None
    p_permutation: float
    permutation_method: VariancePermutationMethod
    resamples: int
    interval: tuple[float, float] | None
    level: float
    df_between: int
    df_within: int
    n: int
    groups: tuple[Hashable, ...]
    group_sizes: IntVector = attrs.field(eq=AS_A_WHOLE)
    group_means: FloatVector = attrs.field(eq=AS_A_WHOLE)
    sum_of_squares_between: float
    sum_of_squares_within: float
    undefined_because: str | None
    caveat: str
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class VarianceSharesFromF:
    """
    The variance shares behind a printed F ratio.

    Attributes
    ----------
    eta_squared, epsilon_squared, omega_squared, null_expectation : float
        As in `EtaSquared`, for one-way groups.
    p_value : float
        Of the F test. Without the values there is no permutation p.
    interval : tuple of (float, float) or None
        Of the population's eta squared; None as ``undefined_because`` says.
    undefined_because : str or None
        Why ``interval`` is None: even with no effect, F ratios so small are rarer than ``(1 - level) / 2``.
    f, df_between, df_within, level
        The inputs that were given.
    generalises_to : {"new_models"}
        As in `EtaSquared`.
    """

    eta_squared: float
    epsilon_squared: float
    omega_squared: float
    null_expectation: float
    p_value: float
    interval: tuple[float, float] | None
    undefined_because: str | None
    f: float
    df_between: int
    df_within: int
    level: float
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def eta_squared(
    values: npt.ArrayLike,
    groups: Iterable[Hashable] | npt.NDArray[Any],
    *,
    resamples: int | None = None,
    rng: np.random.Generator | int | None = None,
    level: float = 0.95,
) -> EtaSquared:
    """
    Eta squared of values in groups, with epsilon and omega squared, its F test and its permutation test.

    With sums of squares ``SSB + SSW = SST`` about the means of k groups and of all n values, and ``MSW = SSW / (n - k)``::

        eta2     = SSB / SST                                  E[eta2] = (k - 1) / (n - 1) with no effect
        epsilon2 = (SSB - (k - 1) MSW) / SST
        omega2   = (SSB - (k - 1) MSW) / (SST + MSW)
        F        = SSB / (k - 1) / MSW

    Parameters
    ----------
    values : array_like of float, shape (values,)
        One value per unit, usually a model's rate. Any unit; not all equal.
    groups : iterable of hashable or ndarray, shape (values,)
        The group (provider, lineage) of each value. An array of whole numbers is fastest.
    resamples : int, optional
        Random assignments behind ``p_permutation``, ``(b + 1) / (resamples + 1)``. Default: 99,999, or as many as move
        2e7 values. 0, or fewer than 999 by that rule, takes the beta distribution with the exact mean and variance of the
        permutation distribution. Up to 100,000 distinct arrangements are always enumerated.
    rng : numpy Generator or int, optional
        Source or seed of the assignments; None is the fixed seed 20260630.
    level : float, default 0.95
        Nominal coverage of the interval, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    EtaSquared
        Shape: scalar. Unit: fraction of the sum of squares.

    Raises
    ------
    InsufficientData
        If there are fewer than two values or all are equal: there is nothing to share out.
    DomainError
        If a value is not finite, a label is missing, or lengths differ.

    Notes
    -----
    One group has share 0 and as many groups as values have share 1, whatever the values: both equal their expectation, p is
    1, and ``undefined_because`` says why the rest is None. Values equal up to four units in the last place of the largest
    count as equal. Float input is the limit of what comes out: 13 common leading digits leave about 4 correct ones.

    References
    ----------
    .. [1] T. L. Kelley (1935), Proc. Natl. Acad. Sci. 21, 554-559 (epsilon squared).
    .. [2] W. L. Hays (1963), Statistics for Psychologists (omega squared).
    .. [3] E. J. G. Pitman (1938), Biometrika 29, 322-335 (permutation moments, beta distribution).
    .. [4] J. H. Steiger (2004), Psychol. Methods 9, 164-182 (interval).

    Examples
    --------
    Six models of three providers. Three providers explain .4 by chance alone, so .585 is little:

    >>> from safescale.stats import eta_squared
    >>> share = eta_squared([0.1, 0.3, 0.4, 0.2, 0.5, 0.4], ["a", "a", "b", "b", "c", "c"])
    >>> round(share.eta_squared, 3), share.null_expectation, round(share.omega_squared, 3), round(share.p_permutation, 2)
    (0.585, 0.4, 0.27, 0.33)
    """
    level = fraction("level", level)
    resamples = None if resamples is None else count("resamples", resamples)
    table = one_way(values, groups)
    p_permutation, method, used = permutation_p(table, resamples=resamples, rng=rng)
    n, k = table.n, table.k
    reason, f, p_value, interval, epsilon2, omega2 = _undefined(table), None, None, None, None, None
    if k < n:
        excess = 0.0 if k == 1 else table.between - (k - 1) * table.within / (n - k)
        epsilon2, omega2 = excess / table.total, excess / (table.total + table.within / (n - k))
    if reason is None:
        f = table.between / (k - 1) / (table.within / (n - k))
        p_value, interval = _f_test(f, k - 1, n - k, level)
        reason = None if interval is not None else _no_interval(f, level)
    return EtaSquared(
        eta_squared=table.between / table.total,
        epsilon_squared=epsilon2,
        omega_squared=omega2,
        null_expectation=(k - 1) / (n - 1),
        f=f,
        p_value=p_value,
        p_permutation=p_permutation,
        permutation_method=method,
        resamples=used,
        interval=interval,
        level=level,
        df_between=k - 1,
        df_within=n - k,
        n=n,
        groups=table.labels,
        group_sizes=frozen(table.sizes),
        group_means=frozen(table.means),
        sum_of_squares_between=table.between,
        sum_of_squares_within=table.within,
        undefined_because=reason,
        caveat=_caveat(table),
    )


def variance_shares_from_f(f: float, df_between: int, df_within: int, *, level: float = 0.95) -> VarianceSharesFromF:
    """
    Variance shares, p and interval from a printed F ratio of one-way groups.

    ``eta2 = d1 F / (d1 F + d2)``, ``epsilon2 = d1 (F - 1) / (d1 F + d2)``, ``omega2 = d1 (F - 1) / (d1 F + d2 + 1)``. From a
    printed eta2, ``F = eta2 / (1 - eta2) * d2 / d1``.

    Parameters
    ----------
    f : float
        F ratio, at least 0.
    df_between, df_within : int
        Degrees of freedom ``k - 1`` and ``n - k``, at least 1.
    level : float, default 0.95
        Nominal coverage of the interval, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    VarianceSharesFromF
        Shape: scalar. Unit: fraction of the sum of squares.

    Raises
    ------
    DomainError
        If F is negative or a degree of freedom is below 1.

    References
    ----------
    .. [1] J. H. Steiger (2004), Psychol. Methods 9, 164-182.

    Examples
    --------
    "Provider explains 65.3 %" of 21 models in 12 groups, when 55 % is what chance explains:

    >>> from safescale.stats import variance_shares_from_f
    >>> share = variance_shares_from_f(1.5397, 11, 9)
    >>> f"{share.eta_squared:.3f} against {share.null_expectation:.2f}, omega2 {share.omega_squared:.2f}, p {share.p_value:.2f}"
    '0.653 against 0.55, omega2 0.22, p 0.26'
    """
    f, level = real("f", f), fraction("level", level)
    d1, d2 = count("df_between", df_between), count("df_within", df_within)
    if not 0 <= f < 1e60:
        raise DomainError(f"f must lie in [0, 1e60), got {f:g}; an F ratio is a ratio of mean squares")
    if min(d1, d2) < 1:
        raise DomainError(f"df_between and df_within must be at least 1, got {d1} and {d2}; without them there is no F")
    p_value, interval = _f_test(f, d1, d2, level)
    return VarianceSharesFromF(
        eta_squared=d1 * f / (d1 * f + d2),
        epsilon_squared=d1 * (f - 1) / (d1 * f + d2),
        omega_squared=d1 * (f - 1) / (d1 * f + d2 + 1),
        null_expectation=d1 / (d1 + d2),
        p_value=p_value,
        interval=interval,
        undefined_because=None if interval is not None else _no_interval(f, level),
        f=f,
        df_between=d1,
        df_within=d2,
        level=level,
    )


def _f_test(f: float, d1: int, d2: int, level: float) -> tuple[float, tuple[float, float] | None]:
    p_value = float(scipy.special.betainc(d2 / 2, d1 / 2, d2 / (d2 + d1 * f)))
    limits, n = noncentrality_limits(f, d1, d2, level), d1 + d2 + 1
    return max(p_value, _TINY), None if limits is None else (limits[0] / (limits[0] + n), limits[1] / (limits[1] + n))


def _undefined(table: OneWay) -> str | None:
    if table.k == 1:
        return f"all {table.n} values are in one group, so nothing can differ between groups"
    if table.k == table.n:
        return f"each of the {table.n} values is a group of its own, so there is no spread within groups to compare with"
    if table.within == 0:
        return f"the {table.n} values do not vary within groups, so F has no finite value; the permutation test stands"
    return None


def _no_interval(f: float, level: float) -> str:
    tail = 50 * (1 - level)
    return f"F = {f:.3g} is smaller than {tail:.3g} % of F ratios are with no effect, so no population share is compatible with it"


def _caveat(table: OneWay) -> str:
    words = (
        "Speaks of further values from these groups, if values are independent within a group: rows of one model are not. "
        f"Chance alone explains {100 * (table.k - 1) / (table.n - 1):.1f} %."
    )
    singles = len(table.singles)
    if singles:
        words += f" {singles} of {table.k} groups hold one value, which says nothing of the spread within."
    return words
