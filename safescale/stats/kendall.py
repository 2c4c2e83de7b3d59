"""Kendall's rank correlation with its permutation p-value, and the agreement of two leaderboards."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._concordance import (
    CONCORDANCE_METHODS,
    ConcordanceMethod,
    agreeing_and_opposed,
    p_of_s,
    tie_blocks,
    untied_pairs,
)
from safescale.stats._domain import FloatVector, choice, real, same_length, unit_labels, vector
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["KendallMethod", "KendallTest", "RankingAgreement", "kendall_tau", "kendall_test"]

KendallMethod: TypeAlias = ConcordanceMethod


@attrs.frozen(kw_only=True)
class KendallTest:
    """
    Kendall's rank correlation with a test of independence.

    Attributes
    ----------
    tau_b : float
        In [-1, 1]; reaches 1 or -1 only where both columns have the same ties.
    p_value : float
        In (0, 1], never below ``p_floor``.
    p_floor : float
        The smallest p that any arrangement of these ranks can reach.
    method : {"exact", "normal_continuity_corrected"}
        How p was computed.
    alternative : {"two-sided", "greater", "less"}
        "greater": y rises with x.
    concordant, discordant : int
        Pairs that x and y order alike, and in opposite ways; tied pairs are neither.
    n : int
        Number of points.
    x, y : tuple of float
        The values that were given.
    generalises_to : {"new_models"}
        Points are the units that change places: models, in a test of size. Of points that are prompts it speaks of further
        prompts.
    """

    tau_b: float
    p_value: float
    p_floor: float
    method: KendallMethod
    alternative: Alternative
    concordant: int
    discordant: int
    n: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class RankingAgreement:
    """
    How far two leaderboards order the same entries alike.

    Attributes
    ----------
    tau_b : float
        In [-1, 1].
    concordant, discordant, tied : int
        Pairs in the same order on both, in opposite orders, and tied on at least one.
    exchanged : tuple of (label, label)
        The discordant pairs, each with the entry first that `ranking_a` places higher.
    n : int
        Number of entries.
    labels : tuple
        The entries, in the order of `ranking_a`.
    ranks_a, ranks_b : tuple of float
        Their ranks as given, 1 (the smallest) is first.
    generalises_to : {"these_models"}
        A description of these entries.
    """

    tau_b: float
    concordant: int
    discordant: int
    tied: int
    exchanged: tuple[tuple[Hashable, Hashable], ...]
    n: int
    labels: tuple[Hashable, ...]
    ranks_a: tuple[float, ...]
    ranks_b: tuple[float, ...]
    generalises_to: Literal["these_models"] = "these_models"


def kendall_test(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    method: Literal["auto"] | KendallMethod = "auto",
) -> KendallTest:
    """
    Kendall's tau-b and the permutation test that x and y are unrelated.

    With C concordant and D discordant pairs, ``S = C - D`` and ``t_x, t_y`` the pairs untied in x and in y::

        tau_b = S / sqrt(t_x t_y)

    p is the share of the ``n!`` assignments of y to x whose S is at least as extreme, two-sided ``|S|`` at least as
    large. Shares are ratios of whole numbers.

    Parameters
    ----------
    x, y : array_like of float, shape (points,)
        The values, at least 3 points, neither column constant. Any unit: only the order counts.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": y rises with x.
    method : {"auto", "exact", "normal_continuity_corrected"}, default "auto"
        "exact": the distribution of S, ties included. Its cost is predicted first. Without ties, or with ties in one
        column, up to about 180 points; with ties in both, while some 3 seconds suffice (15 to 25 points of many
        distinct values, more of few). "normal_continuity_corrected": ``(|S| - 1) / sd(S)`` referred to the normal
        distribution, with the variance corrected for ties. "auto" is "exact" where affordable.

    Returns
    -------
    KendallTest
        Shape: scalar. ``tau_b`` in [-1, 1]; ``p_floor <= p_value <= 1``, unit: probability. Never 0.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 points or a column is constant: no order to agree with.
    DomainError
        If lengths differ, a value is not finite, or "exact" would be too dear.

    References
    ----------
    .. [1] M. G. Kendall (1970), Rank Correlation Methods, 4th ed., chapters 3-5.
    .. [2] P. A. MacMahon (1913), Amer. J. Math. 35, 281-322 (inversions of arrangements with ties).

    Examples
    --------
    >>> from safescale.stats import kendall_test
    >>> test = kendall_test([0.8, 1.9, 4.2, 9.0], [0.998, 0.948, 0.783, 0.542])
    >>> test.tau_b, round(test.p_value, 3), round(test.p_floor, 3), test.method
    (-1.0, 0.083, 0.083, 'exact')
    """
    u, v = vector("x", x), vector("y", y)
    same_length("x", len(u), "y", len(v))
    choice("alternative", alternative, ALTERNATIVES)
    choice("method", method, CONCORDANCE_METHODS)
    if len(u) < 3:
        raise InsufficientData(f"a rank correlation needs at least 3 points, got {len(u)}; compare two values directly")
    for name, column in (("x", u), ("y", v)):
        if np.all(column == column[0]):
            raise InsufficientData(f"all {len(column)} values of {name} equal {column[0]:g}; a constant has no rank order")
    alike, opposed = agreeing_and_opposed(u, v)
    p_value, p_floor, chosen = p_of_s(u, v, alike - opposed, alternative, method)
    return KendallTest(
        tau_b=_tau_b(u, v, alike - opposed),
        p_value=p_value,
        p_floor=p_floor,
        method=chosen,
        alternative=alternative,
        concordant=alike,
        discordant=opposed,
        n=len(u),
        x=tuple(u.tolist()),
        y=tuple(v.tolist()),
    )


def kendall_tau(
    ranking_a: Sequence[Hashable] | Mapping[Hashable, float], ranking_b: Sequence[Hashable] | Mapping[Hashable, float]
) -> RankingAgreement:
    """
    Kendall's tau-b between two leaderboards of the same entries.

    1: the same order; -1: the reverse; without ties, ``(1 - tau) / 2`` is the share of pairs that change places.

    Parameters
    ----------
    ranking_a, ranking_b : sequence of hashable, or mapping of hashable to float, shape (entries,)
        The entries from first to last; or the rank of each entry, 1 (the smallest) first, equal ranks being ties. To
        rank by a score that is better when larger, give its negative.

    Returns
    -------
    RankingAgreement
        Shape: scalar. ``tau_b`` in [-1, 1].

    Raises
    ------
    InsufficientData
        If there are fewer than 2 entries, or a leaderboard ties them all.
    DomainError
        If the two do not hold the same entries, or one names an entry twice.

    Notes
    -----
    This describes the two lists. Both were made from samples of prompts: a tau below 1 may be noise of the rates.

    References
    ----------
    .. [1] M. G. Kendall (1945), Biometrika 33, 239-251 (ties).

    Examples
    --------
    >>> from safescale.stats import kendall_tau
    >>> agreement = kendall_tau(["opus", "gpt", "llama", "qwen"], ["gpt", "opus", "llama", "qwen"])
    >>> round(agreement.tau_b, 3), agreement.exchanged
    (0.667, (('opus', 'gpt'),))
    """
    a, b = _ranks("ranking_a", ranking_a), _ranks("ranking_b", ranking_b)
    for name, here, there in (("ranking_b", a, b), ("ranking_a", b, a)):
        missing = [label for label in here if label not in there]
        if missing:
            raise DomainError(f"{name} lacks {missing[0]!r}; rank the entries that both leaderboards hold")
    if len(a) < 2:
        raise InsufficientData(f"an order needs at least 2 entries, got {len(a)}")
    labels = tuple(sorted(a, key=lambda label: a[label]))
    u, v = np.array([a[label] for label in labels]), np.array([b[label] for label in labels])
    for name, column in (("ranking_a", u), ("ranking_b", v)):
        if np.all(column == column[0]):
            raise InsufficientData(f"{name} ties all {len(column)} entries; a tie has no order to agree with")
    alike, opposed = agreeing_and_opposed(u, v)
    return RankingAgreement(
        tau_b=_tau_b(u, v, alike - opposed),
        concordant=alike,
        discordant=opposed,
        tied=math.comb(len(labels), 2) - alike - opposed,
        exchanged=tuple((p, q) for p, q in combinations(labels, 2) if a[p] < a[q] and b[p] > b[q]),
        n=len(labels),
        labels=labels,
        ranks_a=tuple(u.tolist()),
        ranks_b=tuple(v.tolist()),
    )


def _tau_b(x: FloatVector, y: FloatVector, s: int) -> float:
    # one root of one whole number: a perfect order gives 1 exactly
    tau = s / math.sqrt(untied_pairs(tie_blocks(x)) * untied_pairs(tie_blocks(y)))
    return max(-1.0, min(1.0, tau))


def _ranks(name: str, ranking: Sequence[Hashable] | Mapping[Hashable, float]) -> dict[Hashable, float]:
    if isinstance(ranking, Mapping):
        return {label: real(f"the rank of {label!r} in {name}", rank) for label, rank in ranking.items()}
    entries = unit_labels(name, ranking, unit="entry")
    twice = [label for label in dict.fromkeys(entries) if entries.count(label) > 1]
    if twice:
        raise DomainError(f"{name} names {twice[0]!r} more than once; give a mapping of entries to ranks for ties")
    return {label: float(place) for place, label in enumerate(entries, start=1)}
