"""Attack compute that brings a model to a threshold, by size: known to lie between two levels of a grid, or beyond its ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, as_array, fraction, frozen, group_codes, same_length, sizes
from safescale.stats._interval_censored import CensoredLine, CensoredMaximum
from safescale.stats._surface import MIN_MODELS, sizes_of_models

__all__ = ["ThresholdCompute", "compute_to_threshold"]

# decades per decade; a slope beyond it is none
_STEEPEST = 1e3
# log likelihoods closer than this are equal
_FLAT = 1e-7


@attrs.frozen(kw_only=True)
class ThresholdCompute:
    """
    Slope of log10 compute-to-threshold on log10 size.

    Attributes
    ----------
    slope : float or None
        Decades of compute per decade of size: positive where larger models take more. None where the likelihood is as high over a
        range of slopes.
    slopes_that_fit : tuple of (float or None, float or None) or None
        That range, where there is one: of all lines through all intervals. None for an end that is open.
    interval : tuple of (float, float) or None
        Profile-likelihood interval at ``level``, calibrated to be Student's where all values are known.
    bounds : tuple of (float or None, float or None)
        Its two ends, None for one that is open: no slope however steep is excluded on that side.
    p_value : float
        Two-sided test of slope 0, consistent with the interval.
    why : str or None
        Why slope or interval is None.
    compute_at_reference : float or None
        Median compute-to-threshold of a model of the reference size, in the unit of compute; None where the slope is.
    scatter_decades : float or None
        Standard deviation of log10 compute about the line, likewise. None also where any smaller one is as likely.
    reference_params_b : float
        Geometric mean size over models.
    log_likelihood : float
        At the maximum; every model counts once.
    dof : int
        Models less 2.
    n_models, n : int
        Models and rows.
    left, right, between : int
        Rows known to lie below ``high`` only, above ``low`` only, and between two levels (or exactly).
    level : float
        Nominal coverage.
    params_b, low, high : ndarray of float, shape (rows,)
        The inputs that were given.
    models : tuple
        The model of each row.
    generalises_to : {"new_models"}
        Models are the units.
    """

    slope: float | None
    slopes_that_fit: tuple[float | None, float | None] | None
    interval: tuple[float, float] | None
    bounds: tuple[float | None, float | None]
    p_value: float
    why: str | None
    compute_at_reference: float | None
    scatter_decades: float | None
    reference_params_b: float
    log_likelihood: float
    dof: int
    n_models: int
    n: int
    left: int
    right: int
    between: int
    level: float
    params_b: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    low: FloatVector = attrs.field(eq=attrs.cmp_using(eq=lambda a, b: np.array_equal(a, b, equal_nan=True)), repr=False)
    high: FloatVector = attrs.field(eq=attrs.cmp_using(eq=lambda a, b: np.array_equal(a, b, equal_nan=True)), repr=False)
    models: tuple[Hashable, ...] = attrs.field(repr=False)
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def compute_to_threshold(
    params_b: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, models: Iterable[Hashable], *, level: float = 0.95
) -> ThresholdCompute:
    """
    Regression of log10 compute-to-threshold on log10 size when each is known to lie in an interval.

    ``log10 T_i = a + b s_i + sd z_i`` with z normal; a row contributes ``Phi((log10 high - a - b s) / sd) - Phi((log10 low - ...) /
    sd)``, with one of the terms 1 or 0 where an end is not known, and the density where both ends are equal. The rows of a model
    share one weight, so a model counts once, however often it was attacked. With ``l(b)`` the log likelihood maximised over a and
    sd, m models and t of ``m - 2`` degrees of freedom, the interval holds all b with::

        2 (max l - l(b)) <= m log(1 + t^2 / (m - 2))

    which is Student's interval of least squares where each model's value is known.

    Parameters
    ----------
    params_b : array_like of float, shape (rows,)
        Size of the model of each row, at least 3 distinct. Unit: billions of parameters.
    low, high : array_like of float, shape (rows,)
        Compute at which the threshold was not yet, and was, reached; above 0, ``low <= high``. NaN in ``low``: it was reached at
        the first level already (left-censored). NaN in ``high``: the grid never reached it (right-censored). Any unit.
    models : iterable of hashable, shape (rows,)
        The model of each row, at least 4.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ThresholdCompute
        Shape: scalar. Unit: decades of compute per decade of size.

    Raises
    ------
    InsufficientData
        With fewer than 4 models or 3 sizes, where no row has both ends, or known values lie on a line exactly.
    DomainError
        If an input is out of range, a row has neither end, or a model has two sizes.

    Notes
    -----
    *A coarse grid* can leave one line through all intervals, with any small scatter: the likelihood is then 1 over a range of
    slopes. There is no estimate then (``slopes_that_fit`` is the range), but there is an interval, as steeper lines do not fit.

    *Dependence.* Attacks of one model under several seeds are taken as fully dependent, which is safe: where they are not, the
    interval is wider than it need be. Models of one lineage are taken as independent.

    *Coverage* of 95 % intervals, 250 data sets each on a grid of nine levels, scatter .5 decades: .96 with 4 models and with 12; on
    five levels, .96 with 6 models; three attacks of each of 12 models on five levels, scatter .1: .99
    (`tests/stats/test_calibration_compute_to_threshold.py` keeps a wider set).

    References
    ----------
    .. [1] J. Burridge (1981), J. Roy. Statist. Soc. B 43, 41-45 (concave for interval-censored regression).
    .. [2] D. R. Cox, D. V. Hinkley (1974), Theoretical Statistics, section 9.3 (profile likelihood).

    Examples
    --------
    Five sizes; the smallest fell at once, the largest never:

    >>> from safescale.stats import compute_to_threshold
    >>> nan = float("nan")
    >>> found = compute_to_threshold([0.5, 1, 3, 7, 14, 70], [nan, 5, 20, 10, 20, 50], [5, 10, 50, 20, 50, nan], list("abcdef"))
    >>> f"{found.slope:.2f} [{found.bounds[0]:.2f}, {found.bounds[1]:.2f}] decades per decade, p = {found.p_value:.3f}"
    '0.64 [0.24, 1.59] decades per decade, p = 0.012'
    """
    size = sizes(params_b)
    below, above = _ends("low", low), _ends("high", high)
    same_length("params_b", len(size), "low", len(below))
    same_length("params_b", len(size), "high", len(above))
    labels, codes = group_codes(models, len(size), name="models", unit="row")
    level = fraction("level", level)
    _refuse_impossible(below, above)
    of_model = sizes_of_models(size, labels, codes)
    both = ~np.isnan(below) & ~np.isnan(above)
    _refuse_too_little(of_model, both)
    m = len(of_model)
    middle = float(np.log10(of_model).mean())
    logs = np.log10(below), np.log10(above)
    line = CensoredLine(
        x=np.log10(size) - middle,
        low=np.where(np.isnan(below), -np.inf, logs[0]),
        high=np.where(np.isnan(above), np.inf, logs[1]),
        weight=1.0 / np.bincount(codes)[codes],
        least_sd=_least_sd(logs[0][both], logs[1][both]),
    )
    best = line.maximum()
    if best.at_floor and np.any(below[both] == above[both]):
        raise InsufficientData("the known values lie on a line exactly, which leaves no scatter to judge it by; add models")

    def fall(slope: float) -> float:
        return best.log_likelihood - line.maximum(slope).log_likelihood

    t = -float(scipy.special.stdtrit(m - 2, (1.0 - level) / 2.0))
    allowed = 0.5 * m * math.log1p(t * t / (m - 2))
    first, last = (_edge(fall, best.slope, side, allowed) for side in (-1, 1))
    plateau = _plateau(fall, best)
    # half the scatter would do as well, and half of that
    flat = best.at_floor or best.log_likelihood - line.at(best.intercept, best.slope, best.sd / 2) < _FLAT
    lost = max(0.0, fall(0.0))
    score = math.sqrt((m - 2) * math.expm1(2 * lost / m))
    return ThresholdCompute(
        slope=None if plateau else best.slope,
        slopes_that_fit=plateau,
        interval=None if first is None or last is None else (first, last),
        bounds=(first, last),
        p_value=min(1.0, max(float(np.finfo(np.float64).tiny), 2 * float(scipy.special.stdtr(m - 2, -score)))),
        why=_why(plateau, first, last, int(both.sum())),
        compute_at_reference=None if plateau else 10**best.intercept,
        scatter_decades=None if plateau or flat else best.sd,
        reference_params_b=10**middle,
        log_likelihood=best.log_likelihood,
        dof=m - 2,
        n_models=m,
        n=len(size),
        left=int(np.isnan(below).sum()),
        right=int(np.isnan(above).sum()),
        between=int(both.sum()),
        level=level,
        params_b=frozen(size),
        low=frozen(below),
        high=frozen(above),
        models=labels,
    )


def _ends(name: str, values: npt.ArrayLike) -> FloatVector:
    array: npt.NDArray[Any] = as_array(name, values, expected="one level of compute per row, NaN where it is not known")
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iuf"):
        raise DomainError(
            f"{name} must hold one real number per row, NaN where it is not known, got {array.dtype} of {array.shape}"
        )
    ends = array.astype(np.float64)
    wrong = ~(np.isnan(ends) | ((ends > 0) & np.isfinite(ends)))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DomainError(
            f"{name} must be positive and finite, or NaN where it is not known, got {ends[at]:g} at position {at}; a model below "
            "the threshold at the first level with attack has NaN in low, not 0"
        )
    return ends


def _refuse_impossible(below: FloatVector, above: FloatVector) -> None:
    neither = np.isnan(below) & np.isnan(above)
    if neither.any():
        raise DomainError(f"row {int(np.argmax(neither))} has neither low nor high, which says nothing; leave it out and count it")
    if np.any(below > above):
        at = int(np.argmax(below > above))
        raise DomainError(f"low must not exceed high, got {below[at]:g} and {above[at]:g} at position {at}; are they swapped?")


def _refuse_too_little(of_model: FloatVector, both: npt.NDArray[np.bool_]) -> None:
    if len(of_model) < MIN_MODELS:
        raise InsufficientData(f"a regression on size needs at least {MIN_MODELS} models, got {len(of_model)}; add models")
    if (distinct := len(np.unique(of_model))) < 3:
        raise InsufficientData(f"a slope needs at least 3 distinct sizes, got {distinct}; two make a difference only")
    if not both.any():
        raise InsufficientData(
            "no model crosses the threshold between two levels of the grid, so every one is censored; extend the grid, or take "
            "levels between those that it has"
        )


def _least_sd(low: FloatVector, high: FloatVector) -> float:
    """A scatter that no grid can show: a thousandth of the narrowest interval."""
    widths = (high - low)[high > low]
    spread = float(np.ptp(np.concatenate([low, high])))
    return 1e-3 * float(widths.min()) if len(widths) else 1e-9 * max(spread, 1e-3)


def _edge(fall: Callable[[float], float], start: float, side: int, allowed: float, *, xtol: float = 1e-9) -> float | None:
    """Slope at which the log likelihood has fallen by ``allowed``; it falls on, the likelihood being unimodal in the slope."""
    inner, step = start, 0.1
    while True:
        outer = inner + side * step
        if abs(outer) > _STEEPEST:
            return None
        if fall(outer) > allowed:
            break
        inner, step = outer, 2 * step
    return float(scipy.optimize.brentq(lambda slope: fall(slope) - allowed, min(inner, outer), max(inner, outer), xtol=xtol))


def _plateau(fall: Callable[[float], float], best: CensoredMaximum) -> tuple[float | None, float | None] | None:
    """Range of slopes as likely as the best, where it is wider than what rounding makes."""
    if not best.at_floor and best.log_likelihood < -_FLAT:
        return None
    low, high = (_edge(fall, best.slope, side, _FLAT, xtol=1e-5) for side in (-1, 1))
    return None if low is not None and high is not None and high - low <= 1e-3 else (low, high)


def _why(plateau: tuple[float | None, float | None] | None, first: float | None, last: float | None, between: int) -> str | None:
    reasons = []
    if plateau is not None:
        least, most = ("any" if end is None else f"{end:.2f}" for end in plateau)
        reasons.append(
            f"lines of slopes from {least} to {most} pass through every interval, so the grid is too "
            "coarse for one estimate; take levels between those that it has"
        )
    open_sides = [name for name, end in (("below", first), ("above", last)) if end is None]
    if open_sides:
        reasons.append(
            f"no slope is excluded {' or '.join(open_sides)}: only {between} rows cross the threshold within the grid; extend it"
        )
    return "; ".join(reasons) or None
