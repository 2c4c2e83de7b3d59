"""The Cochran-Armitage trend test of proportions over scores: rows as units, or prompts as clusters of rows."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import (
    AS_A_WHOLE,
    FloatVector,
    IntVector,
    choice,
    count_table,
    frozen,
    same_length,
    squarable,
    successes_of_trials_arrays,
    vector,
)
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = [
    "CochranArmitageClusteredTest",
    "CochranArmitageMethod",
    "CochranArmitageTest",
    "cochran_armitage_clustered_test",
    "cochran_armitage_test",
]

CochranArmitageMethod: TypeAlias = Literal["exact", "normal"]

# bound on the tables that the exact test visits: about a tenth of a second
_MAX_TABLES = 400_000
_TINY = float(np.finfo(np.float64).tiny)
# sums of scores closer than this share of their range count as equal
_RELATIVE_TOLERANCE = 1e-10


@attrs.frozen(kw_only=True)
class CochranArmitageTest:
    """
    A test that a proportion has no trend over scores.

    Attributes
    ----------
    z : float or None
        Standardised trend; positive: successes rise with the score. None where no trial or every trial succeeded.
    p_value : float
        In (0, 1].
    method : {"exact", "normal"}
        How p was computed.
    alternative : {"two-sided", "greater", "less"}
        "greater": successes rise with the score.
    undefined_because : str or None
        Why ``z`` is None (p is then 1).
    successes, trials : tuple of int
        The counts that were given.
    scores : tuple of float
        The scores that were given.
    generalises_to : {"these_models"}
        The trials replicate, the models do not.
    """

    z: float | None
    p_value: float
    method: CochranArmitageMethod
    alternative: Alternative
    undefined_because: str | None
    successes: tuple[int, ...]
    trials: tuple[int, ...]
    scores: tuple[float, ...]
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class CochranArmitageClusteredTest:
    """
    A test that a proportion has no trend over scores, with trials in clusters.

    Attributes
    ----------
    t : float or None
        Standardised trend; positive: successes rise with the score. None where the clusters have no scatter.
    p_value : float or None
        In (0, 1], from Student's t.
    residual_dof, n_clusters : int
        ``n_clusters - 1``, and the number of clusters.
    z_unclustered : float or None
        The z of `cochran_armitage_test` on the summed counts, as if trials were independent.
    design_effect : float or None
        Variance of the trend by clusters over its variance by independent trials.
    alternative : {"two-sided", "greater", "less"}
        "greater": successes rise with the score.
    undefined_because : str or None
        Why ``t`` and ``p_value`` are None.
    successes_by_cluster, trials_by_cluster : ndarray of int, shape (clusters, scores)
        The counts that were given.
    scores : tuple of float
        The scores that were given.
    generalises_to : {"these_models"}
        Prompts replicate, the models do not.
    """

    t: float | None
    p_value: float | None
    residual_dof: int
    n_clusters: int
    z_unclustered: float | None
    design_effect: float | None
    alternative: Alternative
    undefined_because: str | None
    successes_by_cluster: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials_by_cluster: IntVector = attrs.field(eq=AS_A_WHOLE)
    scores: tuple[float, ...]
    generalises_to: Literal["these_models"] = "these_models"


def cochran_armitage_test(
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    method: Literal["auto"] | CochranArmitageMethod = "auto",
) -> CochranArmitageTest:
    """
    Cochran-Armitage test that proportions have no trend over scores.

    With scores s, ``p = sum k / sum n`` and ``m = sum n s / sum n``::

        z = sum k (s - m) / sqrt(p (1 - p) sum n (s - m)^2)

    The score test of slope 0 in a logistic (or linear) regression on s.

    Parameters
    ----------
    successes, trials : array_like of int, shape (cells,)
        Counts per cell. Unit: traces.
    scores : array_like of float, shape (cells,)
        What the trend runs over, at least 2 distinct: ``log10(params_b)`` for model size. Shifting or stretching them
        changes nothing.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": successes rise with the score.
    method : {"auto", "exact", "normal"}, default "auto"
        "exact": given the total of successes each table has probability ``prod_i C(n_i, k_i) / C(n, k)``; p counts the
        tables with ``sum k s`` at least as extreme, two-sided as far from its mean on either side. Up to 400,000
        tables, counted as ``prod_i (n_i + 1)`` without the largest cell. "normal" refers z to the normal distribution,
        without correction for continuity. "auto" is "exact" where affordable.

    Returns
    -------
    CochranArmitageTest
        Shape: scalar. ``p_value`` in (0, 1], unit: probability. Equal totals (no success, or nothing else) give p = 1
        and no z.

    Raises
    ------
    InsufficientData
        If fewer than 2 scores are distinct.
    DomainError
        If a cell has no trials or more successes than trials, lengths differ, a score is not finite or its square
        overflows (1e60 and more), or "exact" would visit too many tables.

    Notes
    -----
    Trials are taken as independent. Rows that share a prompt are not: use `cochran_armitage_clustered_test`. And size
    has as many values as there are models: with thousands of rows on four models any difference between models that
    happens to line up with size is "significant". This test speaks of these models; for size as such see
    `size_slope_test`.

    References
    ----------
    .. [1] W. G. Cochran (1954), Biometrics 10, 417-451, section 6.
    .. [2] P. Armitage (1955), Biometrics 11, 375-386.

    Examples
    --------
    Four models, 4,163 rows: opposite trends for strict and broad, both beyond doubt, both about these four models.

    >>> import numpy as np
    >>> from safescale.stats import cochran_armitage_test
    >>> trials, scores = [487, 649, 1008, 2019], np.log10([0.8, 1.9, 4.2, 9.0])
    >>> strict = cochran_armitage_test([486, 615, 789, 1095], trials, scores)
    >>> broad = cochran_armitage_test([487, 615, 927, 2019], trials, scores)
    >>> round(strict.z, 1), round(broad.z, 1), broad.generalises_to
    (-25.3, 3.7, 'these_models')
    """
    k, n = successes_of_trials_arrays(successes, trials)
    s = _scores(scores, len(k), "cells")
    choice("alternative", alternative, ALTERNATIVES)
    choice("method", method, ("auto", "exact", "normal"))
    tables = _most_tables(n, int(k.sum()))
    if method == "exact" and tables > _MAX_TABLES:
        raise DomainError(f"the exact test may visit {tables:,} tables, more than {_MAX_TABLES:,}; use method='normal'")
    z = _trend_z(k, n, s)
    exact = method != "normal" and tables <= _MAX_TABLES
    if z is None:
        p_value = 1.0
    else:
        p_value = _exact_p(k, n, s, alternative) if exact else _normal_p(z, alternative)
    return CochranArmitageTest(
        z=z,
        p_value=max(p_value, _TINY),
        method="exact" if exact else "normal",
        alternative=alternative,
        undefined_because=_no_variance(k, n),
        successes=tuple(k.tolist()),
        trials=tuple(n.tolist()),
        scores=tuple(s.tolist()),
    )


def cochran_armitage_clustered_test(
    successes_by_cluster: npt.ArrayLike,
    trials_by_cluster: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    alternative: Alternative = "two-sided",
) -> CochranArmitageClusteredTest:
    """
    Cochran-Armitage trend test when trials come in clusters: the same prompts put to every model.

    With ``p = sum k / sum n`` and ``m = sum n s / sum n`` over everything, cluster c contributes::

        u_c = sum_j (s_j - m) (k_cj - n_cj p),    U = sum_c u_c
        t   = U / sqrt(C / (C - 1) sum_c (u_c - mean u)^2),    referred to Student's t with C - 1 degrees of freedom

    U is the numerator of the unclustered z. Whatever the correlation inside a prompt, over models or repeats, its
    variance is that of a sum of C independent contributions. With one trial per prompt and model this is the
    one-sample t test on the slopes of the prompts.

    Parameters
    ----------
    successes_by_cluster, trials_by_cluster : array_like of int, shape (clusters, scores)
        Counts per cluster (prompt) and score (model). A prompt may lack some models (0 trials), not all. Unit: traces.
    scores : array_like of float, shape (scores,)
        What the trend runs over, at least 2 distinct: ``log10(params_b)`` for model size.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": successes rise with the score.

    Returns
    -------
    CochranArmitageClusteredTest
        Shape: scalar. ``p_value`` in (0, 1], unit: probability.

    Raises
    ------
    InsufficientData
        If there are fewer than 2 clusters or fewer than 2 distinct scores.
    DomainError
        If shapes differ, a cluster or a score has no trials, there are more successes than trials, or a score is not finite or its
        square overflows (1e60 and more).

    Notes
    -----
    Prompts are taken as drawn at random, each with whatever models it was put to. Where larger models were given
    other, harder prompts, prompt and size are mixed up, and no variance formula separates them. A few clusters that
    hold most of the trials make the t reference too narrow.

    References
    ----------
    .. [1] J. N. K. Rao, A. J. Scott (1992), Biometrics 48, 577-585.
    .. [2] D. D. Boos (1992), Amer. Statist. 46, 327-333 (score tests with an empirical variance).

    Examples
    --------
    Five prompts, each put once to three models:

    >>> import numpy as np
    >>> from safescale.stats import cochran_armitage_clustered_test
    >>> k = [[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0], [1, 1, 0]]
    >>> test = cochran_armitage_clustered_test(k, np.ones((5, 3), dtype=int), np.log10([1, 10, 100]))
    >>> round(test.t, 2), round(test.p_value, 2), round(test.design_effect, 2)
    (-2.45, 0.07, 0.6)
    """
    k, n = _tables(successes_by_cluster, trials_by_cluster)
    s = _scores(scores, k.shape[1], "columns of trials_by_cluster")
    choice("alternative", alternative, ALTERNATIVES)
    if len(k) < 2:
        raise InsufficientData(f"a variance between clusters needs at least 2 clusters, got {len(k)}")
    total_k, total_n = k.sum(axis=0), n.sum(axis=0)
    p = float(total_k.sum() / total_n.sum())
    centred = s - float(np.average(s, weights=total_n))
    u = (k - n * p) @ centred
    variance = len(u) * float(np.var(u, ddof=1))
    independent = p * (1 - p) * float(total_n @ centred**2)
    reason = _no_variance(total_k, total_n)
    if reason is None and variance <= _RELATIVE_TOLERANCE * float(u @ u + independent):
        reason = f"all {len(u)} clusters contribute the same, which leaves no scatter to judge a trend by"
    t = None if reason else float(u.sum()) / math.sqrt(variance)
    return CochranArmitageClusteredTest(
        t=t,
        p_value=None if t is None else max(_student_p(t, len(u) - 1, alternative), _TINY),
        residual_dof=len(u) - 1,
        n_clusters=len(u),
        z_unclustered=_trend_z(total_k, total_n, s),
        design_effect=None if reason else variance / independent,
        alternative=alternative,
        undefined_because=reason,
        successes_by_cluster=frozen(k),
        trials_by_cluster=frozen(n),
        scores=tuple(s.tolist()),
    )


def _most_tables(trials: IntVector, total: int) -> int:
    """A bound on the tables with ``total`` successes: all cells but the largest free, which the total then fixes."""
    total = min(total, int(trials.sum()) - total)
    return math.prod(min(n, total) + 1 for n in sorted(trials.tolist())[:-1])


def _scores(scores: npt.ArrayLike, length: int, what: str) -> FloatVector:
    s = squarable("scores", vector("scores", scores), divisor=True)
    same_length("scores", len(s), what, length)
    if len(np.unique(s)) < 2:
        raise InsufficientData(f"a trend needs at least 2 distinct scores, got {len(np.unique(s))}; add models of other sizes")
    return s


def _tables(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[IntVector, IntVector]:
    k = count_table("successes_by_cluster", successes, shape="shape (clusters, scores)")
    n = count_table("trials_by_cluster", trials, shape="shape (clusters, scores)")
    if k.shape != n.shape:
        raise DomainError(
            f"successes_by_cluster and trials_by_cluster must have the same shape (clusters, scores), got {k.shape} and {n.shape}"
        )
    if np.any(k > n):
        row, column = (int(at[0]) for at in np.nonzero(k > n))
        raise DomainError(f"successes must not exceed trials, got {k[row, column]} of {n[row, column]} at {(row, column)}")
    for axis, what in ((1, "cluster"), (0, "score")):
        empty = n.sum(axis=axis) == 0
        if np.any(empty):
            raise DomainError(f"{what} {int(np.argmax(empty))} has no trials; leave it out")
    return k, n


def _no_variance(k: IntVector, n: IntVector) -> str | None:
    total = int(k.sum())
    if 0 < total < int(n.sum()):
        return None
    return f"{'none' if total == 0 else 'all'} of the {int(n.sum())} trials succeeded, which leaves no trend to standardise"


def _trend_z(k: IntVector, n: IntVector, s: FloatVector) -> float | None:
    if _no_variance(k, n):
        return None
    p = float(k.sum() / n.sum())
    centred = s - float(np.average(s, weights=n))
    return float(k @ centred) / math.sqrt(p * (1 - p) * float(n @ centred**2))


def _normal_p(z: float, alternative: Alternative) -> float:
    if alternative == "two-sided":
        return float(2 * scipy.special.ndtr(-abs(z)))
    return float(scipy.special.ndtr(-z if alternative == "greater" else z))


def _student_p(t: float, dof: int, alternative: Alternative) -> float:
    if alternative == "two-sided":
        return float(2 * scipy.special.stdtr(dof, -abs(t)))
    return float(scipy.special.stdtr(dof, -t if alternative == "greater" else t))


def _exact_p(k: IntVector, n: IntVector, s: FloatVector, alternative: Alternative) -> float:
    centred = s - float(np.average(s, weights=n))
    tables = _all_tables(n, int(k.sum()))
    log_weight = -(scipy.special.gammaln(tables + 1) + scipy.special.gammaln(n - tables + 1)).sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    trend, observed = tables @ centred, float(k @ centred)
    tolerance = _RELATIVE_TOLERANCE * float(np.abs(centred) @ n)
    if alternative == "greater":
        counted = trend >= observed - tolerance
    elif alternative == "less":
        counted = trend <= observed + tolerance
    else:
        counted = np.abs(trend) >= abs(observed) - tolerance
    return 1.0 if counted.all() else min(1.0, float(weight[counted].sum() / weight.sum()))


def _all_tables(n: IntVector, total: int) -> IntVector:
    """All tables with ``total`` successes, shape ``(tables, cells)``: each prefix is extended by what later cells can take."""
    prefixes, left = np.zeros((1, 0), dtype=np.int64), np.array([total])
    for at, size in enumerate(n.tolist()):
        room = int(n[at + 1 :].sum())
        lowest, highest = np.maximum(0, left - room), np.minimum(size, left)
        choices = highest - lowest + 1
        row = np.repeat(np.arange(len(left)), choices)
        value = np.arange(len(row)) - np.repeat(np.cumsum(choices) - choices, choices) + lowest[row]
        prefixes, left = np.column_stack([prefixes[row], value]), left[row] - value
    return prefixes
