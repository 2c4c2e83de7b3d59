"""Expected calibration error of predicted probabilities, beside what a calibrated predictor would show with so few traces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import FloatVector, choice, count, same_length, vector

__all__ = ["CalibrationBin", "CalibrationBinning", "CalibrationError", "calibration_error"]

CalibrationBinning: TypeAlias = Literal["equal_width", "equal_count"]
_BINNINGS = ("equal_width", "equal_count")

# exact up to here; beyond, the normal value is right to a fifth of a percent of itself
_EXACT_UP_TO = 400


@attrs.frozen(kw_only=True)
class CalibrationBin:
    """
    Traces of similar predicted probability.

    Attributes
    ----------
    low, high : float
        Smallest and largest prediction in it (fractions).
    n : int
        Traces.
    predicted : float
        Mean prediction (fraction).
    occurred : float
        Share in which it occurred (fraction).
    null_gap : float
        Mean of ``|occurred - predicted|`` if every prediction were the true probability (fraction).
    """

    low: float
    high: float
    n: int
    predicted: float
    occurred: float
    null_gap: float


@attrs.frozen(kw_only=True)
class CalibrationError:
    """
    How far predicted probabilities are from what occurs.

    Attributes
    ----------
    expected_calibration_error : float
        Mean of ``|occurred - predicted|`` over bins, weighted by traces (fraction).
    null_expectation : float
        What a perfectly calibrated predictor would show on average with these predictions (fraction): never 0.
    maximum_calibration_error : float
        The largest gap of a bin (fraction).
    brier : float
        Mean squared distance of prediction and outcome, of the one class that is asked about.
    bins : tuple of CalibrationBin
        Bins that hold traces, from low to high predictions.
    n : int
        Traces.
    binning : {"equal_width", "equal_count"}
        How the bins were cut.
    """

    expected_calibration_error: float
    null_expectation: float
    maximum_calibration_error: float
    brier: float
    bins: tuple[CalibrationBin, ...]
    n: int
    binning: CalibrationBinning


def calibration_error(
    predicted: npt.ArrayLike,
    occurred: Sequence[bool] | npt.NDArray[np.bool_],
    *,
    bins: int = 15,
    binning: CalibrationBinning = "equal_width",
) -> CalibrationError:
    """
    Expected calibration error (ECE) of probabilities of one event.

    ``ECE = sum_b n_b / n |occ_b - pred_b|`` over bins of the predictions. It is biased upwards: a calibrated predictor has a
    positive ECE too, which is given beside it. For several classes, ask for one event ("is it a refusal"), or for "is the most
    probable class right" with its probability.

    Parameters
    ----------
    predicted : array_like, shape (traces,)
        Predicted probabilities of the event. Unit: fraction, in [0, 1].
    occurred : sequence of bool, shape (traces,)
        Whether the event occurred.
    bins : int, default 15
        Number of bins, at least 1.
    binning : {"equal_width", "equal_count"}, default "equal_width"
        Bins of equal width over [0, 1] (closed above), or of as equal counts as ties of predictions allow.

    Returns
    -------
    CalibrationError
        Shape: scalars, and one entry a bin. Unit: fractions.

    Raises
    ------
    DomainError
        For no traces, columns of unequal length, predictions outside [0, 1], outcomes that are no truth values, or no bins.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper, M. Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning, AAAI.
    .. [2] C. Guo et al. (2017), On calibration of modern neural networks, ICML, eq. 3.
    .. [3] J. Broecker (2012), Estimating reliability and resolution of probability forecasts, Climate Dynamics 39, 655-667 (bias).

    Examples
    --------
    >>> found = calibration_error([0.1, 0.1, 0.9, 0.9], [False, False, True, False])
    >>> f"{found.expected_calibration_error:.2f}, by luck alone {found.null_expectation:.2f}"
    '0.25, by luck alone 0.16'
    """
    p, y = _predictions(predicted, occurred)
    asked = count("bins", bins)
    if asked < 1:
        raise DomainError(f"bins must be at least 1, got {bins!r}")
    choice("binning", binning, _BINNINGS)
    places = _equal_width(p, asked) if binning == "equal_width" else _equal_count(p, asked)
    found = tuple(_bin(p[places == place], y[places == place]) for place in np.unique(places))
    n = len(p)
    return CalibrationError(
        expected_calibration_error=math.fsum(b.n * abs(b.occurred - b.predicted) for b in found) / n,
        null_expectation=math.fsum(b.n * b.null_gap for b in found) / n,
        maximum_calibration_error=max(abs(b.occurred - b.predicted) for b in found),
        brier=math.fsum((p - y) ** 2) / n,
        bins=found,
        n=n,
        binning=binning,
    )


def _predictions(predicted: npt.ArrayLike, occurred: Sequence[bool] | npt.NDArray[np.bool_]) -> tuple[FloatVector, FloatVector]:
    p = vector("predicted", predicted)
    if len(p) == 0:
        raise DomainError("predicted must hold at least one trace, got none")
    if np.any((p < 0.0) | (p > 1.0)):
        at = int(np.argmax((p < 0.0) | (p > 1.0)))
        raise DomainError(f"predicted must be fractions in [0, 1], got {p[at]:g} at position {at}; divide percent by 100")
    y = np.asarray(occurred)
    if y.ndim != 1 or y.dtype != np.bool_:
        raise DomainError(f"occurred must hold one truth value per trace, got shape {y.shape} of dtype {y.dtype}")
    same_length("predicted", len(p), "occurred", len(y))
    return p, y.astype(np.float64)


def _equal_width(p: FloatVector, bins: int) -> npt.NDArray[np.int64]:
    return np.clip(np.ceil(p * bins).astype(np.int64) - 1, 0, bins - 1)


def _equal_count(p: FloatVector, bins: int) -> npt.NDArray[np.int64]:
    """Equal predictions are never parted: each goes with the first of its kind."""
    ordered = np.sort(p)
    first = np.searchsorted(ordered, p, side="left")
    return (first * bins) // len(p)


def _bin(p: FloatVector, y: FloatVector) -> CalibrationBin:
    mean = math.fsum(p) / len(p)
    return CalibrationBin(
        low=float(p.min()),
        high=float(p.max()),
        n=len(p),
        predicted=mean,
        occurred=math.fsum(y) / len(y),
        null_gap=_mean_absolute_deviation(p) / len(p),
    )


def _mean_absolute_deviation(p: FloatVector) -> float:
    """E|X - E X| of a sum of independent events with these probabilities."""
    uncertain = p[(p > 0.0) & (p < 1.0)]
    if len(uncertain) > _EXACT_UP_TO:
        return math.sqrt(2.0 / math.pi * math.fsum(uncertain * (1.0 - uncertain)))
    mass = np.zeros(len(uncertain) + 1)
    mass[0] = 1.0
    for events, probability in enumerate(uncertain, start=1):
        moved = mass[:events] * probability
        mass[: events + 1] *= 1.0 - probability
        mass[1 : events + 1] += moved
    return math.fsum(mass * np.abs(np.arange(len(mass)) - math.fsum(uncertain)))
