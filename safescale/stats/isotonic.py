"""How far an ordered series of proportions is from rising throughout, and from falling throughout."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, frozen, successes_of_trials_arrays
from safescale.stats._tails import seeded

__all__ = ["IsotonicCheck", "IsotonicDirection", "MonotoneFit", "isotonic_check"]

IsotonicDirection: TypeAlias = Literal["increasing", "decreasing"]

_RESAMPLES = 9_999
_MAX_CELLS = 60
# likelihood ratios closer than this are equal
_TOLERANCE = 1e-9
# numbers held at once in the averages of all runs of cells
_BLOCK = 2_000_000


@attrs.frozen(kw_only=True)
class MonotoneFit:
    """
    The likeliest monotone series in one direction, and the case against it.

    Attributes
    ----------
    direction : {"increasing", "decreasing"}
        In the order of the cells.
    fitted : ndarray of float, shape (cells,)
        Likeliest monotone rates (fractions).
    largest_violation_pp : float
        The largest difference of two observed rates that runs against the direction, percentage points; 0 where none
        does.
    violating_pair : tuple of (int, int) or None
        Positions of those two cells, the earlier first.
    likelihood_ratio : float
        Twice the log likelihood that the direction costs.
    p_value : float
        In (0, 1]: the larger of the two that follow.
    p_value_equal_rates, p_value_fitted : float
        Share of series drawn from equal rates, and from ``fitted``, with at least this likelihood ratio.
    """

    direction: IsotonicDirection
    fitted: FloatVector = attrs.field(eq=AS_A_WHOLE)
    largest_violation_pp: float
    violating_pair: tuple[int, int] | None
    likelihood_ratio: float
    p_value: float
    p_value_equal_rates: float
    p_value_fitted: float


@attrs.frozen(kw_only=True)
class IsotonicCheck:
    """
    An ordered series of proportions against rising and against falling throughout.

    Attributes
    ----------
    increasing, decreasing : MonotoneFit
        Small p: these models do not rise (fall) throughout.
    resamples : int
        Series drawn per null hypothesis.
    successes, trials : tuple of int
        The counts that were given.
    generalises_to : {"these_models"}
        The trials replicate, the models do not.
    """

    increasing: MonotoneFit
    decreasing: MonotoneFit
    resamples: int
    successes: tuple[int, ...]
    trials: tuple[int, ...]
    generalises_to: Literal["these_models"] = "these_models"


def isotonic_check(
    successes: npt.ArrayLike, trials: npt.ArrayLike, *, resamples: int = _RESAMPLES, rng: np.random.Generator | int | None = None
) -> IsotonicCheck:
    """
    Isotonic fit of an ordered series of proportions, and the likelihood ratio test that it is monotone.

    The likeliest rising rates pool neighbours that fall (pool adjacent violators, weights n). With observed rates p and
    fitted rates f::

        LR = 2 sum [k log(p / f) + (n - k) log((1 - p) / (1 - f))]

    Its p is drawn: ``(b + 1) / (m + 1)`` over m binomial series, once with all rates equal, the monotone series that
    violates most easily, and once at f. The larger is reported: alone, the draw at f finds violations too often when
    the rates are truly equal.

    Parameters
    ----------
    successes, trials : array_like of int, shape (cells,)
        Counts in the order of the series (model size), 3 to 60 cells. Unit: traces.
    resamples : int, default 9999
        Series drawn per null hypothesis, at least 99.
    rng : numpy Generator or int, optional
        Source or seed of the draws; None is the fixed seed 20260630.

    Returns
    -------
    IsotonicCheck
        One `MonotoneFit` per direction. ``p_value`` in (0, 1], unit: probability; 1 where nothing is violated.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 cells: two are always monotone.
    DomainError
        If a cell is empty or inconsistent, there are more than 60 cells, or fewer than 99 resamples.

    Notes
    -----
    Models of equal size have no order: sum their counts first. Trials are taken as independent; rows that share a
    prompt make the p too small. Not refusing a direction is no proof of it.

    References
    ----------
    .. [1] M. Ayer, H. D. Brunk, G. M. Ewing, W. T. Reid, E. Silverman (1955), Ann. Math. Statist. 26, 641-647.
    .. [2] T. Robertson, F. T. Wright, R. L. Dykstra (1988), Order Restricted Statistical Inference, theorems 1.4.4 and
       2.3.1.

    Examples
    --------
    Published as a "U-shape" of 58.6, 94.8, 78.9 and 57.4 %; it neither rises nor falls:

    >>> from safescale.stats import isotonic_check
    >>> check = isotonic_check([1103, 615, 821, 1540], [1882, 649, 1040, 2683])
    >>> check.increasing.violating_pair, round(check.increasing.largest_violation_pp, 1)
    ((1, 3), 37.4)
    >>> check.increasing.p_value, check.decreasing.p_value
    (0.0001, 0.0001)
    """
    k, n = successes_of_trials_arrays(successes, trials)
    if len(k) < 3:
        raise InsufficientData(f"a monotone series needs at least 3 cells, got {len(k)}; two are always monotone")
    if len(k) > _MAX_CELLS:
        raise DomainError(f"isotonic_check takes at most {_MAX_CELLS} cells, got {len(k)}; sum the counts of neighbours first")
    if isinstance(resamples, bool) or not isinstance(resamples, int | np.integer) or resamples < 99:
        raise DomainError(f"resamples must be a whole number of at least 99, got {resamples!r}")
    generator = np.random.default_rng(seeded(rng))
    return IsotonicCheck(
        increasing=_direction(k, n, "increasing", int(resamples), generator),
        decreasing=_direction(k, n, "decreasing", int(resamples), generator),
        resamples=int(resamples),
        successes=tuple(k.tolist()),
        trials=tuple(n.tolist()),
    )


def _direction(k: IntVector, n: IntVector, direction: IsotonicDirection, resamples: int, rng: np.random.Generator) -> MonotoneFit:
    # a falling series rises when read backwards
    turn = slice(None, None, 1 if direction == "increasing" else -1)
    successes, trials = k[turn], n[turn]
    fitted = pooled_rates(successes, trials)
    observed = float(_likelihood_ratios(successes[np.newaxis], trials, fitted[np.newaxis])[0])
    if observed <= _TOLERANCE:
        p_equal = p_fitted = 1.0
    else:
        flat = np.full(len(k), k.sum() / n.sum())
        p_equal, p_fitted = (_bootstrap_p(null, trials, observed, resamples, rng) for null in (flat, fitted))
    violation, pair = _largest_violation(successes, trials)
    if pair is not None and direction == "decreasing":
        pair = (len(k) - 1 - pair[1], len(k) - 1 - pair[0])
    return MonotoneFit(
        direction=direction,
        fitted=frozen(fitted[turn]),
        largest_violation_pp=100 * violation,
        violating_pair=pair,
        likelihood_ratio=observed,
        p_value=max(p_equal, p_fitted),
        p_value_equal_rates=p_equal,
        p_value_fitted=p_fitted,
    )


def pooled_rates(k: IntVector, n: IntVector) -> FloatVector:
    """Pool adjacent violators of a rising order; rates are compared as whole numbers, so rounding pools nothing."""
    blocks: list[tuple[int, int, int]] = []
    for successes, trials in zip(k.tolist(), n.tolist(), strict=True):
        block = (successes, trials, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    rates = np.array([a / b for a, b, _ in blocks], dtype=np.float64)
    return np.repeat(rates, [cells for _, _, cells in blocks])


def rising_fits(k: IntVector, n: IntVector) -> FloatVector:
    """
    The same fits for many series at once, shape ``(series, cells)``.

    ``f_i = max_{a <= i} min_{b >= i}`` of the pooled rate of cells a to b.
    """
    total_k = np.concatenate([np.zeros((len(k), 1), dtype=np.int64), np.cumsum(k, axis=1)], axis=1)
    total_n = np.concatenate([[0], np.cumsum(n)])
    fits = np.zeros(k.shape)
    for a in range(len(n)):
        rates = (total_k[:, a + 1 :] - total_k[:, a, np.newaxis]) / (total_n[a + 1 :] - total_n[a])
        least = np.minimum.accumulate(rates[:, ::-1], axis=1)[:, ::-1]
        np.maximum(fits[:, a:], least, out=fits[:, a:])
    return fits


def _likelihood_ratios(k: IntVector, n: IntVector, fitted: FloatVector) -> FloatVector:
    ratios: FloatVector = np.maximum(2 * (_log_likelihood(k, n, k / n) - _log_likelihood(k, n, fitted)).sum(axis=1), 0.0)
    return ratios


def _log_likelihood(k: IntVector, n: IntVector, rates: FloatVector) -> FloatVector:
    return np.asarray(scipy.special.xlogy(k, rates) + scipy.special.xlog1py(n - k, -rates), dtype=np.float64)


def _bootstrap_p(null: FloatVector, n: IntVector, observed: float, resamples: int, rng: np.random.Generator) -> float:
    extreme, block = 0, max(1, _BLOCK // len(n))
    for start in range(0, resamples, block):
        drawn = rng.binomial(n, null, size=(min(block, resamples - start), len(n)))
        extreme += int(np.count_nonzero(_likelihood_ratios(drawn, n, rising_fits(drawn, n)) >= observed - _TOLERANCE))
    return (extreme + 1) / (resamples + 1)


def _largest_violation(k: IntVector, n: IntVector) -> tuple[float, tuple[int, int] | None]:
    """The largest fall from an earlier to a later cell."""
    rates = k / n
    falls = np.triu(rates[:, np.newaxis] - rates[np.newaxis, :], 1)
    earlier, later = (int(at) for at in np.unravel_index(np.argmax(falls), falls.shape))
    fall = float(falls[earlier, later])
    return (fall, (earlier, later)) if fall > 0 else (0.0, None)
