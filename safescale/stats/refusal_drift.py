"""Refusal drift: how far the words of a refusal move, over pairs in which both responses are refusals."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, as_array, fraction, same_length
from safescale.stats._refusals import Flags, Verdicts, first_draws, further_draws
from safescale.stats.cluster_robust import cluster_robust_ols
from safescale.stats.clustered_mean import clustered_mean

__all__ = ["MeanDistance", "RefusalDrift", "refusal_drift"]

VERDICT_PAIRS = ("refused/refused", "refused/answered", "answered/refused", "answered/answered")
# 1 - cosine of vectors in single precision
_TOLERANCE = 1e-5
_MIN_CLUSTERS = 3


@attrs.frozen(kw_only=True)
class MeanDistance:
    """
    A mean of cosine distances (or a difference of two), with an interval that takes prompts as clusters.

    Attributes
    ----------
    value : float or None
        1 - cosine, in [0, 2]; a difference in [-2, 2]. None where there is no pair.
    interval : tuple of (float, float) or None
        Two-sided t interval at the level of the result, cut to that range.
    n : int
        Pairs of responses behind it.
    clusters : int
        Prompts behind it.
    why : str or None
        Why value or interval is None.
    """

    value: float | None
    interval: tuple[float, float] | None
    n: int
    clusters: int
    why: str | None = None


@attrs.frozen(kw_only=True)
class RefusalDrift:
    """
    Refusal drift and what it is read beside.

    Attributes
    ----------
    rd : MeanDistance
        RD: over pairs of a baseline response and one after, both refusals.
    floor : MeanDistance
        The same of two baseline responses: how far refusals lie apart with nothing done.
    beyond : MeanDistance
        RD less floor, on the prompts that have both, each counted once.
    beyond_p_value : float or None
        Two-sided t test of no drift beyond the floor, prompts as units.
    all_pairs : MeanDistance
        Over all pairs with a distance, whatever the verdicts, known or not. It moves when refusals become answers.
    by_pair : mapping of str to MeanDistance
        By verdict before and after: ``refused/refused`` (RD), ``refused/answered``, ``answered/refused``, ``answered/answered``.
    prompts, draws : int
        Prompts, and responses after to each.
    missing : int
        Pairs without a distance, left out.
    unknown : int
        Pairs with a distance of which a verdict is unknown: in ``all_pairs`` only.
    level : float
        Nominal coverage.
    """

    rd: MeanDistance
    floor: MeanDistance
    beyond: MeanDistance
    beyond_p_value: float | None
    all_pairs: MeanDistance
    by_pair: Mapping[str, MeanDistance]
    prompts: int
    draws: int
    missing: int
    unknown: int
    level: float


def refusal_drift(
    distance: npt.ArrayLike,
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    floor: npt.ArrayLike | None = None,
    second: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> RefusalDrift:
    """
    Mean cosine distance between the refusals of a prompt before and after.

    ``RD = mean of d_ij = 1 - cos(v_i, v_ij)`` over the pairs in which the baseline response i and the j-th response after are both
    refusals. The interval is that of the intercept of a least-squares fit without columns, with the pairs of a prompt as one
    cluster (`cluster_robust_ols`, CR2, t); that of ``beyond`` is Student's over the differences of prompts.

    Parameters
    ----------
    distance : array_like of float, shape (prompts, draws) or (prompts,)
        1 - cosine of each response after to the baseline response of its prompt, in [0, 2]; NaN where there is none.
    before : array_like of int, shape (prompts,)
        Verdict of the baseline response: 1 refused, 0 not, -1 unknown.
    after : array_like of int, shape of ``distance``
        Verdicts of the responses after.
    floor : array_like of float, shape (prompts, draws) or (prompts,), optional
        1 - cosine of further baseline responses to the same baseline response.
    second : array_like of int, shape of ``floor``, optional
        Verdicts of those further baseline responses. Needed with ``floor``.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    RefusalDrift
        Shape: scalar. Unit: 1 - cosine.

    Raises
    ------
    InsufficientData
        If there is no prompt.
    DomainError
        If a distance lies outside [0, 2], a verdict is none of 1, 0 and -1, shapes differ, or only one of ``floor`` and ``second``
        is given.

    Notes
    -----
    It speaks of the refusals that are left: under a strong attack few pairs remain, and of the firmest prompts. ``beyond`` is
    therefore taken on the same prompts as its floor. What the distance measures is the embedder's: of hashed n-grams it is words,
    not meaning. Where all distances are equal (one fixed sentence of refusal) the spread is not shown and there is no interval.

    References
    ----------
    .. [1] J. E. Pustejovsky, E. Tipton (2018), J. Bus. Econ. Statist. 36, 672-683 (CR2).

    Examples
    --------
    >>> from safescale.stats import refusal_drift
    >>> found = refusal_drift(
    ...     [0.2, 0.4, 0.3, 0.9], [1, 1, 1, 1], [1, 1, 1, 0], floor=[0.1, 0.1, 0.2, 0.1], second=[1, 1, 1, 1]
    ... )
    >>> f"RD {found.rd.value:.2f} over {found.rd.n} pairs, {found.beyond.value:.2f} beyond, all pairs {found.all_pairs.value:.2f}"
    'RD 0.30 over 3 pairs, 0.17 beyond, all pairs 0.45'
    """
    b = first_draws("before", before)
    if len(b) == 0:
        raise InsufficientData("a drift needs at least one prompt, got none")
    level = fraction("level", level)
    a = further_draws("after", after, len(b))
    d = _distances("distance", distance, "after", a)
    if (floor is None) != (second is None):
        raise DomainError("floor needs second, the verdicts of the same further baseline draws, and the other way round")
    told = ~np.isnan(d)
    refused, known = (b == 1)[:, np.newaxis], (b >= 0)[:, np.newaxis]
    pairs = dict(
        zip(
            VERDICT_PAIRS,
            (refused & (a == 1), refused & (a == 0), (b == 0)[:, np.newaxis] & (a == 1), (b == 0)[:, np.newaxis] & (a == 0)),
            strict=True,
        )
    )
    by_pair = {name: _mean(d, chosen & told, level, f"no pair is {name} and has a distance") for name, chosen in pairs.items()}
    none_given = _none("no second baseline draw was given")
    own_floor, beyond, p_value = none_given, none_given, None
    if floor is not None and second is not None:
        s = further_draws("second", second, len(b))
        f = _distances("floor", floor, "second", s)
        same = refused & (s == 1) & ~np.isnan(f)
        own_floor = _mean(f, same, level, "no two baseline responses to a prompt are both refusals with a distance")
        beyond, p_value = _beyond(d, pairs["refused/refused"] & told, f, same, level)
    return RefusalDrift(
        rd=by_pair["refused/refused"],
        floor=own_floor,
        beyond=beyond,
        beyond_p_value=p_value,
        all_pairs=_mean(d, told, level, "no pair has a distance"),
        by_pair=by_pair,
        prompts=len(b),
        draws=a.shape[1],
        missing=int(np.count_nonzero(~told)),
        unknown=int(np.count_nonzero(told & ~(known & (a >= 0)))),
        level=level,
    )


def _distances(name: str, values: npt.ArrayLike, other: str, verdicts: Verdicts) -> FloatVector:
    array = as_array(name, values, expected="a table of distances, shape (prompts, draws)")
    if array.dtype.kind not in "iuf":
        raise DomainError(f"{name} must hold real numbers, got dtype {array.dtype}; a missing distance is NaN")
    d = array.astype(np.float64)
    d = d[:, np.newaxis] if d.ndim == 1 else d
    same_length(name, len(d), other, len(verdicts))
    if d.shape != verdicts.shape:
        raise DomainError(f"{name} and {other} must have the same shape, got {d.shape} and {verdicts.shape}")
    wrong = (d < -_TOLERANCE) | (d > 2 + _TOLERANCE)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DomainError(f"{name} must be 1 - cosine, in [0, 2], got {d[row, column]:g} at prompt {row}, draw {column}")
    return np.asarray(np.clip(d, 0.0, 2.0), dtype=np.float64)


def _none(why: str) -> MeanDistance:
    return MeanDistance(value=None, interval=None, n=0, clusters=0, why=why)


def _mean(d: FloatVector, chosen: Flags, level: float, nothing: str) -> MeanDistance:
    if not chosen.any():
        return _none(nothing)
    prompt, held = np.nonzero(chosen)[0], d[chosen]
    clusters = len(np.unique(prompt))
    value = float(held.mean())
    why = _no_interval(held, clusters)
    interval = None
    if why is None:
        low, high = cluster_robust_ols(np.ones((len(held), 1)), held, prompt.tolist(), level=level).intervals[0].tolist()
        interval = (max(0.0, low), min(2.0, high))
    return MeanDistance(value=value, interval=interval, n=len(held), clusters=clusters, why=why)


def _no_interval(held: FloatVector, clusters: int) -> str | None:
    if clusters < _MIN_CLUSTERS:
        return f"an interval needs at least {_MIN_CLUSTERS} prompts, got {clusters}"
    if float(np.ptp(held)) <= 1e-12:
        return f"all {len(held)} distances are equal, which shows no spread over prompts"
    return None


def _beyond(d: FloatVector, rr: Flags, f: FloatVector, same: Flags, level: float) -> tuple[MeanDistance, float | None]:
    both = rr.any(axis=1) & same.any(axis=1)
    if not both.any():
        return _none("no prompt has a pair of refusals both after and in the second draw"), None
    drift = np.array([d[at][rr[at]].mean() - f[at][same[at]].mean() for at in np.flatnonzero(both)])
    found = clustered_mean(drift, range(len(drift)), level=level)
    n, clusters, why = int(np.count_nonzero(rr[both])), len(drift), found.undefined_because
    if clusters < _MIN_CLUSTERS:
        why = f"an interval needs at least {_MIN_CLUSTERS} prompts, got {clusters}"
    if why is not None or found.interval is None:
        return MeanDistance(value=found.estimate, interval=None, n=n, clusters=clusters, why=why), None
    low, high = found.interval
    interval = (max(-2.0, low), min(2.0, high))
    return MeanDistance(value=found.estimate, interval=interval, n=n, clusters=clusters), found.p_value
