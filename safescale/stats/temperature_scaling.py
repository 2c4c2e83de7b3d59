"""One temperature for a classifier's logits, so that its probabilities mean what they say."""

from __future__ import annotations

import math

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, as_array, counts, same_length

__all__ = ["TemperatureScaling", "scaled_probabilities", "temperature_scaling"]

# beyond them every float64 probability is 0, 1 or 1/K
_COLDEST, _HOTTEST = 1e-3, 1e3


@attrs.frozen(kw_only=True)
class TemperatureScaling:
    """
    The temperature that makes labels most likely.

    Attributes
    ----------
    temperature : float
        Logits are divided by it; above 1 the classifier was too sure of itself.
    log_loss_before, log_loss_after : float
        Mean negative log-likelihood at temperature 1 and at ``temperature``. Unit: nats per trace.
    n, classes : int
        Traces and classes that it was chosen on.
    at_bound : bool
        Whether no best temperature lies within [0.001, 1000]: the labels are separated, or say nothing.
    """

    temperature: float
    log_loss_before: float
    log_loss_after: float
    n: int
    classes: int
    at_bound: bool


def temperature_scaling(logits: npt.ArrayLike, labels: npt.ArrayLike) -> TemperatureScaling:
    """
    Temperature T that minimises the mean log-loss of ``softmax(logits / T)``.

    The loss is convex in ``1/T``; at its minimum the mean logit of the labels equals the mean logit that the probabilities expect.
    Choose it on traces that the classifier was not trained on, and report on a third set.

    Parameters
    ----------
    logits : array_like, shape (traces, classes)
        Unnormalised log-probabilities, at least two classes. Unit: nats.
    labels : array_like of int, shape (traces,)
        Index of the true class.

    Returns
    -------
    TemperatureScaling
        Scalars.

    Raises
    ------
    DomainError
        For logits that are no finite table with two or more columns, or labels outside it.
    InsufficientData
        For no traces.

    References
    ----------
    .. [1] C. Guo et al. (2017), On calibration of modern neural networks, ICML, section 4.2.

    Examples
    --------
    Sure of itself (98 %), right three times of four:

    >>> found = temperature_scaling([[4.0, 0.0]] * 4, [0, 0, 0, 1])
    >>> f"{found.temperature:.2f}", f"{scaled_probabilities([[4.0, 0.0]], temperature=found.temperature)[0, 0]:.2f}"
    ('3.64', '0.75')
    """
    z = _logits(logits)
    y = counts("labels", labels)
    same_length("logits", len(z), "labels", len(y))
    if len(z) == 0:
        raise InsufficientData("a temperature needs labelled traces, got none")
    if int(y.max()) >= z.shape[1]:
        raise DomainError(f"labels must be below the {z.shape[1]} classes of the logits, got {int(y.max())}")
    from scipy.optimize import brentq

    def excess(log_inverse: float) -> float:
        """Derivative of the loss in 1/T: expected less observed logit."""
        p = _softmax(z * math.exp(log_inverse))
        return math.fsum((p * z).sum(axis=1) - z[np.arange(len(y)), y])

    low, high = -math.log(_HOTTEST), -math.log(_COLDEST)
    at_low, at_high = excess(low), excess(high)
    if at_low >= 0.0 or at_high <= 0.0:
        inverse, bound = math.exp(low if at_low >= 0.0 else high), True
    else:
        inverse, bound = math.exp(float(brentq(excess, low, high, xtol=1e-12, rtol=1e-14))), False
    return TemperatureScaling(
        temperature=1.0 / inverse,
        log_loss_before=_log_loss(z, y),
        log_loss_after=_log_loss(z * inverse, y),
        n=len(y),
        classes=z.shape[1],
        at_bound=bound,
    )


def scaled_probabilities(logits: npt.ArrayLike, *, temperature: float) -> FloatVector:
    """
    Probabilities ``softmax(logits / temperature)``.

    Parameters
    ----------
    logits : array_like, shape (traces, classes)
        Unnormalised log-probabilities. Unit: nats.
    temperature : float
        Positive.

    Returns
    -------
    ndarray, shape (traces, classes)
        Rows sum to 1. Unit: fraction.

    Raises
    ------
    DomainError
        For a temperature that is not positive, or logits that are no finite table.

    Examples
    --------
    >>> scaled_probabilities([[0.0, 0.0]], temperature=2.0).tolist()
    [[0.5, 0.5]]
    """
    if not (isinstance(temperature, int | float) and math.isfinite(temperature) and temperature > 0.0):
        raise DomainError(f"temperature must be positive, got {temperature!r}")
    return _softmax(_logits(logits) / temperature)


def _logits(logits: npt.ArrayLike) -> FloatVector:
    z = as_array("logits", logits, expected="a table, traces by classes")
    if z.ndim != 2 or z.shape[1] < 2 or z.dtype.kind not in "iuf":
        raise DomainError(f"logits must be numbers of shape (traces, classes) with two classes or more, got {z.shape} of {z.dtype}")
    table = z.astype(np.float64)
    if not np.all(np.isfinite(table)):
        raise DomainError("logits must be finite; a class that cannot be is left out")
    return table


def _softmax(z: FloatVector) -> FloatVector:
    raised = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _log_loss(z: FloatVector, y: npt.NDArray[np.int64]) -> float:
    top = z.max(axis=1)
    total = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return math.fsum(total - z[np.arange(len(y)), y]) / len(y)
