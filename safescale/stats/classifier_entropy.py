"""Classifier entropy: how undecided a grader's class probabilities are. A property of the grader, never of the graded model."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, as_array, fraction, frozen, same_length, unit_labels
from safescale.stats.cluster_robust import cluster_robust_ols

__all__ = ["ClassifierEntropy", "classifier_entropy"]

# probabilities that a softmax in single precision wrote with seven digits
_SUM_TOLERANCE = 1e-6
_MIN_CLUSTERS = 3
# spread below this is rounding
_FLAT_NATS = 1e-12


@attrs.frozen(kw_only=True)
class ClassifierEntropy:
    """
    Entropy of a classifier's class probabilities, over traces.

    It says how undecided the *classifier* is on these traces. It says nothing of the graded model: a classifier that is sure
    and wrong has entropy 0, and the same responses have another entropy under another classifier or another calibration.

    Attributes
    ----------
    estimate : float
        Mean over traces. Unit: nats. ``0 <= estimate <= upper_bound``.
    per_trace : ndarray of float, shape (traces,)
        Entropy of each trace. Unit: nats.
    upper_bound : float
        ``ln K``, reached where all classes are equally probable. Unit: nats.
    low, high : float or None
        Two-sided interval of the mean with rows clustered by prompt, kept inside ``[0, upper_bound]``. Unit: nats.
    standard_error : float or None
        Cluster-robust (CR2) standard error of the mean. Unit: nats.
    undefined_because : str or None
        Why interval and standard error are None.
    few_clusters : bool
        Whether the interval rests on fewer than 4 degrees of freedom, too few to be relied on.
    clusters : int or None
        Number of prompts; None when none were given.
    classes : int
        Number K of classes.
    entropy_of_mean : float
        Entropy of ``mean_probabilities``. Unit: nats. Another number: never below ``estimate``, and as large as ``ln K`` for a sure
        grader whose verdicts are evenly mixed. What it has more is how much the traces' probabilities differ.
    mean_probabilities : ndarray of float, shape (classes,)
        Mean over traces of each class's probability.
    level : float
        Nominal coverage.
    probabilities : ndarray of float, shape (traces, classes)
        The input that was given.
    """

    estimate: float
    per_trace: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    upper_bound: float
    low: float | None
    high: float | None
    standard_error: float | None
    undefined_because: str | None
    few_clusters: bool
    clusters: int | None
    classes: int
    entropy_of_mean: float
    mean_probabilities: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    level: float
    probabilities: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)


def classifier_entropy(
    probabilities: npt.ArrayLike, *, clusters: Iterable[Hashable] | None = None, level: float = 0.95
) -> ClassifierEntropy:
    """
    Shannon entropy of a classifier's class probabilities, and its mean over traces.

    ``CE = - sum_k p_k ln p_k`` with ``0 ln 0 = 0``; ``0 <= CE <= ln K``, 0 where one class has everything, ``ln K`` where all are
    equal. The mean is taken over traces; its interval is that of the intercept of a least-squares fit without columns, with the
    traces of a prompt as one cluster (`cluster_robust_ols`, CR2, t).

    Parameters
    ----------
    probabilities : array_like of float, shape (traces, classes) or (classes,)
        Class probabilities, at least two classes; each row sums to 1 within 1e-6 and is scaled to do so exactly. Unit:
        probability.
    clusters : iterable of hashable, shape (traces,), optional
        Prompt of each trace. Without them there is no interval: rows of one prompt are not independent.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ClassifierEntropy
        Shape: scalar, and ``(traces,)``. Unit: nats.

    Raises
    ------
    InsufficientData
        If there is no trace.
    DomainError
        If there are fewer than two classes, a probability lies outside [0, 1] or is missing, a row does not sum to 1, or lengths
        differ.

    Notes
    -----
    It is a property of the classifier, never of the model that is graded. It needs calibrated probabilities to mean anything:
    a saturated softmax head reports near 0 whatever it knows. Probabilities read off a grader's logprobs are those of its first
    token, renormalised over the choices.

    The mean of the entropies is not the entropy of the mean (``entropy_of_mean``, never smaller: Jensen). Three sure refusals and
    three sure answers have CE 0 and an entropy of the mean of ln 2. A published "entropy" above ln K is neither.

    References
    ----------
    .. [1] C. E. Shannon (1948), Bell Syst. Tech. J. 27, 379-423, section 6.
    .. [2] J. E. Pustejovsky, E. Tipton (2018), J. Bus. Econ. Statist. 36, 672-683 (CR2).

    Examples
    --------
    A sure, an unsure and an undecided verdict over three classes:

    >>> from safescale.stats import classifier_entropy
    >>> found = classifier_entropy([[1, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]])
    >>> [f"{nats:.3f}" for nats in found.per_trace], f"{found.estimate:.3f} of {found.upper_bound:.3f} nats"
    (['0.000', '0.693', '1.099'], '0.597 of 1.099 nats')
    """
    given = _probabilities(probabilities)
    level = fraction("level", level)
    n, k = given.shape
    bound = float(np.log(k))
    ce = _entropies(given)
    beyond = float(ce.max()) - bound
    if beyond > 1e-9 * k:
        raise DomainError(f"an entropy of {ce.max():.12g} nats lies above ln {k} = {bound:.12g}; the probabilities cannot be right")
    ce = np.minimum(ce, bound)
    estimate = min(float(ce.mean()), bound)
    mean = (given / given.sum(axis=1, keepdims=True)).mean(axis=0)
    # concavity, which rounding must not undo
    of_mean = min(max(float(_entropies(mean[np.newaxis])[0]), estimate), bound)
    names = None if clusters is None else unit_labels("clusters", clusters, unit="trace")
    if names is not None:
        same_length("clusters", len(names), "probabilities", n)
    number = None if names is None else len(dict.fromkeys(names))
    reason = _no_interval(ce, number)
    low = high = error = None
    few = False
    if reason is None:
        assert names is not None
        fit = cluster_robust_ols(np.ones((n, 1)), ce, names, level=level)
        error = float(fit.standard_errors[0])
        low, high = (float(np.clip(end, 0.0, bound)) for end in fit.intervals[0])
        few = fit.robust.few_clusters
    return ClassifierEntropy(
        estimate=estimate,
        per_trace=frozen(ce),
        upper_bound=bound,
        low=low,
        high=high,
        standard_error=error,
        undefined_because=reason,
        few_clusters=few,
        clusters=number,
        classes=k,
        entropy_of_mean=of_mean,
        mean_probabilities=frozen(mean),
        level=level,
        probabilities=frozen(given),
    )


def _entropies(given: FloatVector) -> FloatVector:
    # smallest first, then scaled and summed: the order of the classes leaves no trace, not even in the last digit
    q = np.sort(given, axis=1)
    q = q / q.sum(axis=1, keepdims=True)
    terms = np.where(q > 0.0, q * np.log(np.where(q > 0.0, q, 1.0)), 0.0)
    return np.asarray(np.clip(-terms.sum(axis=1), 0.0, None), dtype=np.float64)


def _probabilities(values: npt.ArrayLike) -> FloatVector:
    array = as_array("probabilities", values, expected="a table of class probabilities, shape (traces, classes), or one row")
    if array.ndim not in (1, 2):
        raise DomainError(f"probabilities must be of shape (traces, classes) or (classes,), got shape {array.shape}")
    if len(array) == 0:
        raise InsufficientData("an entropy needs at least one trace with class probabilities, got none")
    if array.dtype.kind not in "iuf":
        raise DomainError(f"probabilities must be real numbers, got dtype {array.dtype}; leave out traces that have none")
    given = np.atleast_2d(array.astype(np.float64))
    if given.shape[1] < 2:
        raise DomainError(f"probabilities must be of at least two classes, got {given.shape[1]}; one class leaves nothing open")
    wrong = ~((given >= 0.0) & (given <= 1.0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DomainError(
            f"probabilities must be between 0 and 1, got {given[row, column]} at trace {row}, class {column}; "
            "leave out traces that have none"
        )
    total = given.sum(axis=1)
    off = np.abs(total - 1.0) > _SUM_TOLERANCE
    if off.any():
        at = int(np.argmax(off))
        raise DomainError(f"probabilities must be complete: trace {at} sums to {total[at]:.9g}, not 1; give every class")
    return given


def _no_interval(ce: FloatVector, clusters: int | None) -> str | None:
    if clusters is None:
        return "no prompts were given, and traces of one prompt are not independent; pass clusters"
    if clusters < _MIN_CLUSTERS:
        return f"an interval needs at least {_MIN_CLUSTERS} prompts, got {clusters}"
    if float(np.ptp(ce)) <= _FLAT_NATS:
        return "every trace has the same entropy: the spread over prompts is not shown"
    return None
