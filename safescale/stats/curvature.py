"""Whether a rate bends over log10 model size: the quadratic term, models as units."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, fraction, group_codes, sizes_and_rates
from safescale.stats._inference import ROUNDING, student_inference
from safescale.stats.ols import OLSFit, ols

__all__ = ["CurvatureDirection", "CurvatureTest", "curvature_test"]

CurvatureDirection: TypeAlias = Literal["u", "inverted_u", "none"]

_FEWEST_SIZES = 4
_FEWEST_DOF = 2
_TINY = float(np.finfo(np.float64).tiny)


@attrs.frozen(kw_only=True)
class CurvatureTest:
    """
    A test that a rate follows a straight line over log10 model size, against a parabola.

    Attributes
    ----------
    curvature_pp_per_decade_squared : float
        ``100 c`` of ``a + b z + c z^2``, z in decades: half of the second derivative.
    standard_error_pp_per_decade_squared : float or None
        None where no scatter is left (see ``undefined_because``).
    interval : tuple of (float, float) or None
        Two-sided interval of the curvature at ``level``, in percentage points per decade squared.
    p_value : float or None
        Two-sided Student t test of curvature 0.
    direction : {"u", "inverted_u", "none"}
        The sign of the curvature, "none" where it is exactly flat. A description, and no evidence of a turn.
    turning_point_b : float or None
        Size at which the fitted parabola turns, billions of parameters. None outside the range of sizes or without curvature.
    slope_pp_per_decade : float
        Slope of the parabola at ``centre_b``.
    slope_at_smallest_pp_per_decade, slope_at_largest_pp_per_decade : float
        Slope of the parabola at both ends of the sizes.
    ends_differ_p : float or None
        Test of Lind and Mehlum that both ends slope, in opposite directions: the larger one-sided p of the two slopes.
    joint_p_value : float or None
        F test of slope and curvature together: any change with size along a parabola.
    centre_b : float
        Geometric mean of the sizes, billions of parameters.
    rate_at_centre : float
        The fitted parabola at ``centre_b``, levels of groups averaged over models (fraction, not confined to [0, 1]).
    n, n_groups, n_sizes, residual_dof : int
        Models; groups (1 without groups); distinct sizes that count; ``n - n_groups - 2``.
    level : float
        Nominal coverage of ``interval``.
    undefined_because : str or None
        Why standard error, interval and the p are None.
    params_b, rates : tuple of float
        The inputs that were given.
    groups : tuple or None
        The group of each model.
    generalises_to : {"new_models"}
        Models are the units.
    """

    curvature_pp_per_decade_squared: float
    standard_error_pp_per_decade_squared: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    direction: CurvatureDirection
    turning_point_b: float | None
    slope_pp_per_decade: float
    slope_at_smallest_pp_per_decade: float
    slope_at_largest_pp_per_decade: float
    ends_differ_p: float | None
    joint_p_value: float | None
    centre_b: float
    rate_at_centre: float
    n: int
    n_groups: int
    n_sizes: int
    residual_dof: int
    level: float
    undefined_because: str | None
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    groups: tuple[Hashable, ...] | None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def curvature_test(
    params_b: npt.ArrayLike, rates: npt.ArrayLike, *, groups: Iterable[Hashable] | None = None, level: float = 0.95
) -> CurvatureTest:
    """
    Test of the quadratic term of a rate over log10 model size, with each model one point.

    A flat slope is not flat rates: a U over size has slope 0. The parabola sees it::

        rate_i = a_group(i) + b z_i + c z_i^2 + e_i,    z = log10 size, less its mean

    with one intercept where no groups are given. ``c / SE(c)`` refers to Student's t, slope and curvature together to F, both
    with ``n - groups - 2`` degrees of freedom.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 4 distinct (with groups: in the groups that hold two or more). Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    groups : iterable of hashable, shape (models,), optional
        Group (lineage) of each model. Every group has its own level, all share the parabola.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    CurvatureTest
        Shape: scalar. Units: percentage points per decade squared and per decade, probability.

    Raises
    ------
    InsufficientData
        If there are fewer than 4 distinct sizes, fewer than 2 residual degrees of freedom, or sizes (within their groups) that do
        not tell a bend from a slope.
    DomainError
        If a size is not positive, a rate not a fraction, or lengths differ.

    Notes
    -----
    A significant square is no U: a rate that rises and levels off has one [1]_. A U within the observed sizes needs a fall at the
    smallest and a rise at the largest. ``ends_differ_p`` is the test of that [2]_, an intersection-union test of the two slopes of
    the parabola::

        p = max(P(T <= t_smallest), P(T >= t_largest))    for a U; with the signs turned for an inverted U

    of which the sign of the curvature chooses one; it is above .5 where both ends slope alike. It is the p of one shape named in
    advance: who looks for either shape and for nothing else doubles it. It takes the parabola for true, so a rate that levels off
    can pass it (see the example): it speaks of the fitted parabola. `two_lines_test` needs no parabola, and 8 sizes.

    Groups of one size count for the scatter only: they neither extend the range of sizes nor move its centre. Where no scatter is
    left, standard error, interval and p are None, and ``undefined_because`` says so.

    References
    ----------
    .. [1] U. Simonsohn (2018), Adv. Methods Pract. Psychol. Sci. 1, 538-555.
    .. [2] J. T. Lind, H. Mehlum (2010), Oxford Bull. Econ. Stat. 72, 109-118.

    Examples
    --------
    A valley has no slope and a bend, and both of its ends slope:

    >>> import numpy as np
    >>> from safescale.stats import curvature_test, log_scaling_slope, two_lines_test
    >>> sizes, noise = 2.0 ** np.arange(10), 0.02 * np.array([1, -1, 0, 1, -1, 1, 0, -1, 1, -1])
    >>> valley = np.array([0.6, 0.5, 0.4, 0.35, 0.3, 0.3, 0.35, 0.4, 0.5, 0.6]) + noise
    >>> bend = curvature_test(sizes, valley)
    >>> round(log_scaling_slope(sizes, valley).p_value, 2), bend.p_value < 0.001, bend.ends_differ_p < 0.001
    (0.93, True, True)
    >>> bend.direction, round(bend.curvature_pp_per_decade_squared, 1), round(bend.turning_point_b, 1)
    ('u', 16.1, 23.3)

    A rate that rises and levels off bends too, and a parabola through it turns where the rates do not:

    >>> levels_off = np.array([0.1, 0.3, 0.5, 0.6, 0.62, 0.63, 0.63, 0.64, 0.64, 0.64]) + noise
    >>> bend = curvature_test(sizes, levels_off)
    >>> bend.direction, bend.p_value < 0.001, round(bend.ends_differ_p, 3), two_lines_test(sizes, levels_off).p_value
    ('inverted_u', True, 0.006, 1.0)
    """
    sizes, y = sizes_and_rates(params_b, rates)
    level = fraction("level", level)
    labels, codes = (None, np.zeros(len(sizes), np.int64)) if groups is None else group_codes(groups, len(sizes))
    x = np.log10(sizes)
    n_groups = len(np.unique(codes))
    counting = np.isin(codes, [code for code in np.unique(codes) if len(np.unique(x[codes == code])) > 1])
    _require(x[counting], len(x), len(x) - n_groups - 2, grouped=labels is not None)
    centre, low, high = float(x[counting].mean()), float(x[counting].min()), float(x[counting].max())
    z = x - centre
    indicators = (codes[:, np.newaxis] == np.arange(n_groups)).astype(np.float64)
    fit = _parabola(np.column_stack([indicators, z, z * z]), y)
    means = (indicators.T @ y / indicators.sum(axis=0))[codes]
    equal = bool(np.abs(y - means).max() <= ROUNDING)
    b, c = (0.0, 0.0) if equal else (float(fit.coefficients[-2]), float(fit.coefficients[-1]))
    # on a straight line the square is rounding, and its sign would be chance
    c = 0.0 if abs(c) * float(np.max(z * z)) <= ROUNDING else c
    reason = _no_scatter(fit, equal=equal)
    se = None if reason else float(fit.standard_errors[-1])
    interval, p_value = student_inference(c, se, fit.residual_dof, level)
    turn = None if c == 0.0 else centre - b / (2 * c)
    return CurvatureTest(
        curvature_pp_per_decade_squared=100 * c,
        standard_error_pp_per_decade_squared=None if se is None else 100 * se,
        interval=interval,
        p_value=p_value,
        direction="none" if c == 0.0 else "u" if c > 0 else "inverted_u",
        turning_point_b=None if turn is None or not low < turn < high else float(10.0**turn),
        slope_pp_per_decade=100 * b,
        slope_at_smallest_pp_per_decade=100 * (b + 2 * c * (low - centre)),
        slope_at_largest_pp_per_decade=100 * (b + 2 * c * (high - centre)),
        ends_differ_p=None if reason else _ends_differ(fit, low - centre, high - centre),
        joint_p_value=None if reason else _joint(fit, y - fit.residuals - means),
        centre_b=float(10.0**centre),
        rate_at_centre=float(y.mean() - b * z.mean() - c * np.mean(z * z)),
        n=len(x),
        n_groups=n_groups,
        n_sizes=len(np.unique(x[counting])),
        residual_dof=fit.residual_dof,
        level=level,
        undefined_because=reason,
        params_b=tuple(sizes.tolist()),
        rates=tuple(y.tolist()),
        groups=labels,
    )


def _require(x: FloatVector, models: int, dof: int, *, grouped: bool) -> None:
    """Four sizes, since three lie on some parabola whatever they are; two degrees of freedom to judge it by."""
    distinct = len(np.unique(x))
    if distinct < _FEWEST_SIZES:
        where = " in groups of two or more sizes" if grouped else ""
        raise InsufficientData(
            f"a bend needs at least {_FEWEST_SIZES} distinct sizes{where}, got {distinct}; add models of other sizes"
        )
    if dof < _FEWEST_DOF:
        beside = "the levels of the groups, slope and bend" if grouped else "level, slope and bend"
        raise InsufficientData(
            f"{models} models leave {dof} degrees of freedom beside {beside}; a bend needs {_FEWEST_DOF}, so add models"
        )


def _parabola(design: FloatVector, y: FloatVector) -> OLSFit:
    try:
        return ols(design, y)
    except DomainError:
        # two sizes per group with one midpoint in all of them, or sizes that differ by rounding
        raise InsufficientData(
            "slope and bend cannot be told apart by these sizes (within their groups); add models of other sizes"
        ) from None


def _no_scatter(fit: OLSFit, *, equal: bool) -> str | None:
    if equal:
        return f"all {fit.n} rates are equal, which leaves no scatter to judge a bend by"
    if fit.residual_sd <= ROUNDING:
        return f"the {fit.n} rates lie on the fitted parabola, which leaves no scatter to judge a bend by"
    return None


def _ends_differ(fit: OLSFit, low: float, high: float) -> float:
    """Lind and Mehlum (2010), equation 7: both one-sided tests of the slopes at the ends, for the shape that c names."""
    t = []
    for at in (low, high):
        weights = np.array([1.0, 2 * at])
        slope = float(weights @ fit.coefficients[-2:])
        t.append(slope / float(np.sqrt(weights @ fit.covariance[-2:, -2:] @ weights)))
    sign = 1.0 if fit.coefficients[-1] >= 0 else -1.0
    falls, rises = (float(scipy.special.stdtr(fit.residual_dof, side)) for side in (sign * t[0], -sign * t[1]))
    return max(falls, rises, _TINY)


def _joint(fit: OLSFit, explained: FloatVector) -> float:
    f = float(explained @ explained) / 2 / fit.residual_sd**2
    return max(float(scipy.special.fdtrc(2, fit.residual_dof, f)), _TINY)
