"""The two-lines test of a U or an inverted U of a rate over log10 model size."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector, real, sizes_and_rates
from safescale.stats._inference import ROUNDING, no_scatter
from safescale.stats.ols import OLSFit, ols

__all__ = ["TwoLinesShape", "TwoLinesTest", "two_lines_test"]

TwoLinesShape: TypeAlias = Literal["u", "inverted_u"]

_FEWEST_SIZES = 8
# the law of three sizes holds for each of the two lines
_FEWEST_PER_LINE = 3


@attrs.frozen(kw_only=True)
class TwoLinesTest:
    """
    A test that a rate over log10 model size is no U and no inverted U.

    Attributes
    ----------
    shape : {"u", "inverted_u"} or None
        What the signs of the two slopes make; None where they agree. A description: ``p_value`` says what it is worth.
    p_value : float or None
        Twice the larger of the one-sided p of the two slopes; in (0, 1]. None where no scatter is left.
    p_below, p_above : float or None
        One-sided p of each slope in the direction of ``shape``; None where there is no shape or no scatter.
    slope_below_pp_per_decade, slope_above_pp_per_decade : float
        Percentage points per factor of 10 in size, up to the breakpoint and beyond.
    breakpoint_b : float
        Largest size of the lower line, billions of parameters.
    breakpoint_from : {"robin_hood", "given"}
        Whether the data chose the breakpoint.
    n, n_below, n_above, residual_dof : int
        Models; models on each line; ``n - 4``.
    undefined_because : str or None
        Why the p are None.
    params_b, rates : tuple of float
        The inputs that were given.
    generalises_to : {"new_models"}
        Models are the units.
    """

    shape: TwoLinesShape | None
    p_value: float | None
    p_below: float | None
    p_above: float | None
    slope_below_pp_per_decade: float
    slope_above_pp_per_decade: float
    breakpoint_b: float
    breakpoint_from: Literal["robin_hood", "given"]
    n: int
    n_below: int
    n_above: int
    residual_dof: int
    undefined_because: str | None
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class _TwoLines:
    """Two separate lines with one scatter; ``last`` is the number of distinct sizes on the lower one."""

    last: int
    slopes: tuple[float, float]
    t: tuple[float, float] | None


def two_lines_test(params_b: npt.ArrayLike, rates: npt.ArrayLike, *, breakpoint_b: float | None = None) -> TwoLinesTest:
    """
    Simonsohn's two-lines test of a U or inverted U, with at least 8 distinct sizes.

    A significant square in a regression is no U: a rate that levels off gives one. A U needs a slope that falls up to
    some size and one that rises from there, each in its own right::

        rate_i = a_1 + b_1 x_i + e_i    for x_i <= x_c,    a_2 + b_2 x_i + e_i    for x_i > x_c,    x = log10 size
        p      = 2 max(P(T <= t_1), P(T >= t_2))    for a U; with the signs turned for an inverted U

    Both lines share one residual variance, on ``n - 4`` degrees of freedom. The breakpoint comes from the Robin Hood
    algorithm: the inner extreme of a smooth fit; the sizes whose fit lies within one standard error of it; their
    median as first breakpoint; then their ``|t_2| / (|t_1| + |t_2|)`` quantile, which takes models from the line that
    needs them less. It is run for the U and for the inverted U, and the smaller p is reported.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 8 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    breakpoint_b : float, optional
        A breakpoint fixed before the rates were seen: the lower line ends at the largest size not above it. At least
        3 distinct sizes on each side. Unit: billions of parameters. Default: searched.

    Returns
    -------
    TwoLinesTest
        Shape: scalar. ``p_value`` in (0, 1], unit: probability; 1 where the slopes have the same sign.

    Raises
    ------
    InsufficientData
        If there are fewer than 8 distinct sizes, or a given breakpoint leaves fewer than 3 on a side.
    DomainError
        If a size is not positive, a rate not a fraction, or lengths differ.

    Notes
    -----
    Where the breakpoint is given, the p of one named shape is the larger one-sided p, and the 2 pays for looking at
    both shapes. Where it is searched, the lines start where the rates happened to be extreme, and the 2 pays for that
    too. Simulated rate of p <= .05 at the worst of some 200 monotone truths (a hinge at any size, a step, a curve, 1
    to 64 residual standard deviations high): .025 to .034 at 8 sizes, .037 at 12, .047 at 20; and .058 at 40, where a
    given breakpoint is the honest choice. A shape named in advance must therefore not be tested at half this p. No U
    found is no proof of monotony: with 8 models the test sees little but a sharp U.

    Differences from the paper: the smooth fit is a cubic in log10 size and the standard errors are the classical ones,
    since a spline and robust variances need more models than there are; each line holds 3 distinct sizes at least.

    References
    ----------
    .. [1] U. Simonsohn (2018), Adv. Methods Pract. Psychol. Sci. 1, 538-555.

    Examples
    --------
    A rate that rises and levels off has a significant square and is no inverted U:

    >>> import numpy as np
    >>> from safescale.stats import two_lines_test
    >>> sizes, noise = 2.0 ** np.arange(10), 0.02 * np.array([1, -1, 0, 1, -1, 1, 0, -1, 1, -1])
    >>> test = two_lines_test(sizes, [0.1, 0.3, 0.5, 0.6, 0.62, 0.63, 0.63, 0.64, 0.64, 0.64] + noise)
    >>> test.shape, test.p_value
    (None, 1.0)
    >>> test = two_lines_test(sizes, [0.1, 0.3, 0.5, 0.6, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2] + noise)
    >>> test.shape, test.breakpoint_b, test.p_value < 0.001
    ('inverted_u', 16.0, True)
    """
    x, y = sizes_and_rates(params_b, rates)
    order = np.argsort(x, kind="stable")
    logs, sorted_rates = np.log10(x[order]), y[order]
    sizes = np.unique(x)
    if len(sizes) < _FEWEST_SIZES:
        raise InsufficientData(
            f"the two-lines test needs at least {_FEWEST_SIZES} distinct sizes, got {len(sizes)}; "
            "describe the series with shape_of_series or isotonic_check"
        )
    if breakpoint_b is None:
        upright = _robin_hood(logs, sorted_rates)
        turned = _robin_hood(logs, -sorted_rates)
        lines = min((upright, _negative(turned)), key=lambda fit: _p_of(fit, len(x) - 4)[0])
    else:
        lines = _two_lines(logs, sorted_rates, _given(sizes, breakpoint_b))
    reason = _undefined(lines, sorted_rates)
    shape = _shape(lines.slopes)
    p_value, p_below, p_above = _p_of(lines, len(x) - 4)
    known = reason is None and shape is not None
    n_below = int(np.count_nonzero(x <= sizes[lines.last - 1]))
    return TwoLinesTest(
        shape=shape,
        p_value=None if reason else p_value,
        p_below=p_below if known else None,
        p_above=p_above if known else None,
        slope_below_pp_per_decade=100 * lines.slopes[0],
        slope_above_pp_per_decade=100 * lines.slopes[1],
        breakpoint_b=float(sizes[lines.last - 1]),
        breakpoint_from="robin_hood" if breakpoint_b is None else "given",
        n=len(x),
        n_below=n_below,
        n_above=len(x) - n_below,
        residual_dof=len(x) - 4,
        undefined_because=reason,
        params_b=tuple(x.tolist()),
        rates=tuple(y.tolist()),
    )


def _given(sizes: FloatVector, breakpoint_b: float) -> int:
    last = int(np.searchsorted(sizes, real("breakpoint_b", breakpoint_b), side="right"))
    if min(last, len(sizes) - last) < _FEWEST_PER_LINE:
        raise InsufficientData(
            f"each line needs at least {_FEWEST_PER_LINE} distinct sizes, got {last} up to {breakpoint_b:g} and "
            f"{len(sizes) - last} beyond; move breakpoint_b"
        )
    return last


def _two_lines(x: FloatVector, y: FloatVector, last: int) -> _TwoLines:
    """Lines through the first ``last`` distinct sizes and through the others."""
    below = x <= np.unique(x)[last - 1]
    fit = ols(np.column_stack([below, np.where(below, x, 0.0), ~below, np.where(below, 0.0, x)]).astype(np.float64), y)
    first, second = (float(fit.coefficients[at]) if _varies(y[side]) else 0.0 for at, side in ((1, below), (3, ~below)))
    if fit.residual_sd <= ROUNDING:
        return _TwoLines(last=last, slopes=(first, second), t=None)
    return _TwoLines(
        last=last,
        slopes=(first, second),
        t=(first / float(fit.standard_errors[1]), second / float(fit.standard_errors[3])),
    )


def _varies(y: FloatVector) -> bool:
    return bool(np.ptp(y) > ROUNDING)


def _robin_hood(x: FloatVector, y: FloatVector) -> _TwoLines:
    """The two lines whose breakpoint suits an inverted U best."""
    sizes, first = np.unique(x, return_index=True)
    z = (x - x.mean()) / np.ptp(x)
    smooth = ols(np.vander(z, 4), y)
    fitted = (y - smooth.residuals)[first]
    inner = 1 + int(np.argmax(fitted[1:-1]))
    flat = sizes[fitted >= fitted[inner] - _standard_error(smooth, int(first[inner]))]
    lines = _two_lines(x, y, _last(sizes, float(np.median(flat))))
    if lines.t is None:
        return lines
    below, above = abs(lines.t[0]), abs(lines.t[1])
    share = above / (below + above) if below + above > 0 else 0.5
    return _two_lines(x, y, _last(sizes, float(np.quantile(flat, share))))


def _standard_error(fit: OLSFit, row: int) -> float:
    at = fit.design[row]
    return float(np.sqrt(max(0.0, float(at @ fit.covariance @ at))))


def _last(sizes: FloatVector, breakpoint_x: float) -> int:
    """Distinct sizes up to the breakpoint, three at least on either side; a size misses it by rounding only if at all."""
    last = int(np.searchsorted(sizes, breakpoint_x + ROUNDING, side="right"))
    return min(max(last, _FEWEST_PER_LINE), len(sizes) - _FEWEST_PER_LINE)


def _negative(lines: _TwoLines) -> _TwoLines:
    t = None if lines.t is None else (-lines.t[0], -lines.t[1])
    return _TwoLines(last=lines.last, slopes=(0.0 - lines.slopes[0], 0.0 - lines.slopes[1]), t=t)


def _shape(slopes: tuple[float, float]) -> TwoLinesShape | None:
    if slopes[0] * slopes[1] >= 0:
        return None
    return "inverted_u" if slopes[0] > 0 else "u"


def _p_of(lines: _TwoLines, dof: int) -> tuple[float, float, float]:
    """``2 max`` of the one-sided p of both slopes, and the two."""
    if lines.t is None or _shape(lines.slopes) is None:
        return 1.0, 1.0, 1.0
    # a shape makes both one-sided p at most a half, so twice the larger is at most 1
    below, above = (max(float(scipy.special.stdtr(dof, -abs(t))), float(np.finfo(np.float64).tiny)) for t in lines.t)
    return min(1.0, 2 * max(below, above)), below, above


def _undefined(lines: _TwoLines, y: FloatVector) -> str | None:
    reason = no_scatter(0.0 if lines.t is None else 1.0, 1.0, n=len(y), equal=not _varies(y))
    return None if reason is None else reason.replace("on the fitted line", "on the fitted lines").replace("a slope", "slopes")
