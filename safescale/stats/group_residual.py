"""How far each group (provider) lies off the size line of the others, with an interval that knows that line's uncertainty."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, fraction, group_codes, real, sizes_and_rates
from safescale.stats._inference import student_inference
from safescale.stats.slope import log_scaling_slope

__all__ = ["LeaveGroupOutResidual", "ResidualThresholdTest", "leave_group_out_residuals", "residual_threshold_test"]

_TINY = 2.0**-1022


@attrs.frozen(kw_only=True)
class LeaveGroupOutResidual:
    """
    Mean distance of one group's models from the line that is fitted without them.

    Attributes
    ----------
    group : hashable
        The group's label.
    models, others : int
        Models in the group, and models that the line is fitted to.
    residual_pp : float or None
        Mean over the group's models of rate minus line. Percentage points. None as ``undefined_because`` says.
    standard_error_pp : float or None
        Of that mean as a prediction: spread of models about the line, and the line's own uncertainty. Percentage points.
    interval : tuple of (float, float) or None
        ``residual_pp -+ t standard_error_pp`` at ``level``. Percentage points.
    p_value : float or None
        Two-sided t test that the group's models are drawn like the others.
    residual_dof : int or None
        ``others - 2``.
    extrapolates : bool
        Whether a size of the group lies outside the sizes of the others.
    level : float
        Nominal coverage of ``interval``.
    undefined_because : str or None
        Why something is None.
    generalises_to : {"new_models"}
        Models are the units.
    """

    group: Hashable
    models: int
    others: int
    residual_pp: float | None
    standard_error_pp: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    residual_dof: int | None
    extrapolates: bool
    level: float
    undefined_because: str | None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class ResidualThresholdTest:
    """
    On which side of a threshold a residual lies: below minus it, above it, or between the two.

    Attributes
    ----------
    side : {"below", "above", "within"}
        The side that the data speak for most.
    p_value : float
        Of that side, two-sided: twice the smallest of the three. Where it is at most ``1 - level`` the interval at ``level`` lies
        wholly on that side.
    p_below, p_above, p_within : float
        One-sided p of "at or above minus the threshold", of "at or below the threshold", and of "at either or beyond".
    threshold_pp : float
        The threshold that was given.
    generalises_to : {"new_models"}
        As of the residual.
    """

    side: Literal["below", "above", "within"]
    p_value: float
    p_below: float
    p_above: float
    p_within: float
    threshold_pp: float
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def leave_group_out_residuals(
    params_b: npt.ArrayLike, rates: npt.ArrayLike, groups: Iterable[Hashable], *, level: float = 0.95
) -> tuple[LeaveGroupOutResidual, ...]:
    """
    Mean residual of each group from the least-squares line on log10 size of all the other groups.

    With g the group's m models of mean log size ``x_g`` and mean rate ``y_g``, and ``a + b x`` the line of the n' others, of
    residual spread s on ``n' - 2`` degrees of freedom, mean log size ``x'`` and ``Sxx' = sum (x_i - x')^2``::

        d    = y_g - (a + b x_g)
        Var d = s^2 (1 / m + 1 / n' + (x_g - x')^2 / Sxx')          d / sqrt(Var d) ~ t(n' - 2)

    It is the interval for the mean of m new observations [1]_: ``1 / m`` is the spread between models, the rest the line's own
    uncertainty. A residual from the line of all models has neither, and the group draws that line to itself.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    groups : iterable of hashable, shape (models,)
        Group (provider) of each model, at least 2 groups.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    tuple of LeaveGroupOutResidual
        One per group, in order of first appearance. Unit: percentage points. A group whose absence leaves no line, or a line
        without scatter, says why instead.

    Raises
    ------
    InsufficientData
        If all models are of one group.
    DomainError
        If a size is not positive, a rate not a fraction, a label missing, or lengths differ.

    Notes
    -----
    Exact where the group's models are independent draws from what the others are drawn from: the hypothesis that ``p_value`` tests.
    Where groups differ among themselves, s holds that spread too: for a group of several models ``s^2 / m`` then overstates
    the noise about the group's own level, and ``1 / n'`` understates that of the line, by less as long as the group is smaller than
    the rest. A group of one model cannot be told from its model.

    References
    ----------
    .. [1] N. R. Draper, H. Smith (1998), Applied Regression Analysis, 3rd ed., section 3.1.
    .. [2] R. D. Cook (1977), Technometrics 19, 15-18 (deletion).

    Examples
    --------
    The stricter provider, seen from the line of the other two:

    >>> from safescale.stats import leave_group_out_residuals
    >>> sizes, rates = [1, 3, 9, 1, 3, 9, 3, 9], [0.40, 0.42, 0.41, 0.44, 0.42, 0.40, 0.21, 0.19]
    >>> strict = leave_group_out_residuals(sizes, rates, list("aaabbbcc"))[2]
    >>> f"{strict.residual_pp:+.1f} pp [{strict.interval[0]:+.1f}, {strict.interval[1]:+.1f}], {strict.residual_dof} df"
    '-21.1 pp [-24.7, -17.5], 4 df'
    """
    x, y = sizes_and_rates(params_b, rates)
    labels, codes = group_codes(groups, len(x))
    level = fraction("level", level)
    names = tuple(dict.fromkeys(labels))
    if len(names) < 2:
        raise InsufficientData(f"all {len(x)} models are of one group, so leaving it out leaves none to compare it with")
    return tuple(_residual(x, y, codes == code, name, level) for code, name in enumerate(names))


def residual_threshold_test(residual: LeaveGroupOutResidual, *, threshold_pp: float) -> ResidualThresholdTest:
    """
    Whether a left-out group lies further than a threshold from the line of the others, or within it.

    With d, SE and T Student's t on its degrees of freedom::

        p_below  = P(T <= (d + m) / SE)      p_above = P(T >= (d - m) / SE)
        p_within = max(P(T >= (d + m) / SE), P(T <= (d - m) / SE))

    the last being two one-sided tests [1]_. Whatever the truth, at most two of the three claims are wrong, and twice the
    smallest p keeps the level over them.

    Parameters
    ----------
    residual : LeaveGroupOutResidual
        One with an interval.
    threshold_pp : float
        The threshold m, positive. Unit: percentage points.

    Returns
    -------
    ResidualThresholdTest
        Shape: scalar. p-values in (0, 1].

    Raises
    ------
    InsufficientData
        If the residual has no standard error.
    DomainError
        If the threshold is not positive.

    References
    ----------
    .. [1] D. J. Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657-680 (two one-sided tests).

    Examples
    --------
    >>> from safescale.stats import leave_group_out_residuals, residual_threshold_test
    >>> sizes, rates = [1, 3, 9, 1, 3, 9, 3, 9], [0.40, 0.42, 0.41, 0.44, 0.42, 0.40, 0.21, 0.19]
    >>> strict = leave_group_out_residuals(sizes, rates, list("aaabbbcc"))[2]
    >>> residual_threshold_test(strict, threshold_pp=10).side, residual_threshold_test(strict, threshold_pp=30).side
    ('below', 'within')
    """
    m = real("threshold_pp", threshold_pp)
    if m <= 0:
        raise DomainError(f"threshold_pp must be positive, got {m:g}; state the residual that matters")
    d, se, dof = residual.residual_pp, residual.standard_error_pp, residual.residual_dof
    if d is None or se is None or dof is None:
        raise InsufficientData(f"the residual of {residual.group!r} has no standard error: {residual.undefined_because}")

    def tail(t: float) -> float:
        return max(float(scipy.special.stdtr(dof, t)), _TINY)

    p_below, p_above = tail((d + m) / se), tail(-(d - m) / se)
    p_within = max(tail(-(d + m) / se), tail((d - m) / se))
    sides: dict[Literal["below", "above", "within"], float] = {"below": p_below, "above": p_above, "within": p_within}
    side = min(sides, key=lambda name: sides[name])
    return ResidualThresholdTest(
        side=side,
        p_value=min(1.0, 2 * sides[side]),
        p_below=p_below,
        p_above=p_above,
        p_within=p_within,
        threshold_pp=m,
    )


def _residual(x: FloatVector, y: FloatVector, inside: npt.NDArray[np.bool_], name: Hashable, level: float) -> LeaveGroupOutResidual:
    others = int(np.count_nonzero(~inside))
    m = len(x) - others
    distinct = len(np.unique(x[~inside]))
    if distinct < 3:
        reason = f"without {name!r} only {distinct} distinct sizes remain, and a line needs 3"
        return _result(name, m, others, level, reason)
    line = log_scaling_slope(x[~inside], y[~inside], level=level)
    log_x = np.log10(x)
    centre = float(log_x[~inside].mean())
    squares = float(np.sum((log_x[~inside] - centre) ** 2))
    distance = float(log_x[inside].mean()) - centre
    b = line.slope_pp_per_decade / 100
    residual = float(y[inside].mean() - y[~inside].mean() - b * distance)
    extrapolates = bool(x[inside].min() < x[~inside].min() or x[inside].max() > x[~inside].max())
    if line.standard_error_pp_per_decade is None:
        reason = line.undefined_because or "no scatter"
        return _result(name, m, others, level, reason, residual=residual, extrapolates=extrapolates)
    s = line.standard_error_pp_per_decade / 100 * float(np.sqrt(squares))
    se = s * float(np.sqrt(1 / m + 1 / others + distance**2 / squares))
    interval, p_value = student_inference(residual, se, line.residual_dof, level)
    return LeaveGroupOutResidual(
        group=name,
        models=m,
        others=others,
        residual_pp=100 * residual,
        standard_error_pp=100 * se,
        interval=interval,
        p_value=p_value,
        residual_dof=line.residual_dof,
        extrapolates=extrapolates,
        level=level,
        undefined_because=None,
    )


def _result(
    name: Hashable,
    models: int,
    others: int,
    level: float,
    reason: str,
    *,
    residual: float | None = None,
    extrapolates: bool = False,
) -> LeaveGroupOutResidual:
    return LeaveGroupOutResidual(
        group=name,
        models=models,
        others=others,
        residual_pp=None if residual is None else 100 * residual,
        standard_error_pp=None,
        interval=None,
        p_value=None,
        residual_dof=None,
        extrapolates=extrapolates,
        level=level,
        undefined_because=reason,
    )
