"""
Kendall's S, the pairs in agreement less those against, and its exact distribution when nothing agrees but by chance.

Kendall's and Jonckheere's tests and Sen's interval count the same thing. Under the null hypothesis every assignment of
the y-values to the x-values is equally likely, and S depends on nothing but the sizes of the tie blocks of x and of y.
Counts are whole numbers of any length, so a share of them is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
import scipy

from safescale.errors import DomainError
from safescale.stats._arrangements import multiplicities, share_of_largest_sum
from safescale.stats._domain import FloatVector
from safescale.stats._tails import smallest_share
from safescale.stats.fisher import Alternative

ConcordanceMethod: TypeAlias = Literal["exact", "normal_continuity_corrected"]
CONCORDANCE_METHODS = ("auto", "exact", "normal_continuity_corrected")

# scores of S in increasing order, and how many assignments have each (up to one common factor)
NullOfS: TypeAlias = tuple[range, tuple[int, ...]]
TieBlocks: TypeAlias = tuple[int, ...]

# additions of whole numbers, some 0.1 microseconds each: about 180 untied values
_MAX_ADDITIONS = 3_000_000
# microseconds, as predicted for the table recursion
_MAX_TABLE_COST = 3_000_000
_MAX_TIED_VALUES = 120


def agreeing_and_opposed(x: FloatVector, y: FloatVector) -> tuple[int, int]:
    """Pairs that x and y order alike, and pairs that they order in opposite ways."""
    alike = opposed = 0
    for i in range(len(x) - 1):
        a, b = np.sign(x[i + 1 :] - x[i]), np.sign(y[i + 1 :] - y[i])
        product = a * b
        alike += int(np.count_nonzero(product > 0))
        opposed += int(np.count_nonzero(product < 0))
    return alike, opposed


def tie_blocks(values: FloatVector) -> TieBlocks:
    """The sizes of the blocks of equal values, in increasing order of the values."""
    return tuple(multiplicities(values))


def untied_pairs(blocks: Sequence[int]) -> int:
    """Pairs of values that are not equal."""
    n = sum(blocks)
    return (n * n - sum(t * t for t in blocks)) // 2


def variance_of_s(rows: Sequence[int], columns: Sequence[int]) -> float:
    """Variance of S over all assignments, ties on both sides (Kendall 1970, equation 4.4)."""
    n = sum(rows)
    first = n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in (*rows, *columns))
    pairs = sum(t * (t - 1) for t in rows) * sum(t * (t - 1) for t in columns)
    triples = math.prod(sum(t * (t - 1) * (t - 2) for t in side) for side in (rows, columns))
    return first / 18 + pairs / (2 * n * (n - 1)) + triples / (9 * n * (n - 1) * (n - 2))


def p_of_s(
    x: FloatVector, y: FloatVector, s: int, alternative: Alternative, method: Literal["auto"] | ConcordanceMethod
) -> tuple[float, float, ConcordanceMethod]:
    """The p of S, its floor, and how it was computed; two-sided counts ``|S|`` at least as large."""
    rows, columns = tie_blocks(x), tie_blocks(y)
    null = None if method == "normal_continuity_corrected" else null_of_s(rows, columns)
    if method == "exact" and null is None:
        raise DomainError(
            f"the exact p of these {len(x)} values ({len(rows)} and {len(columns)} distinct ones) is too dear; "
            "use method='normal_continuity_corrected'"
        )
    floor = max(_smallest_p(x, y, alternative), float(np.finfo(np.float64).tiny))
    if null is None:
        p = _normal_tail(s, math.sqrt(variance_of_s(rows, columns)), alternative)
        return max(p, floor), floor, "normal_continuity_corrected"
    return max(exact_tail(null, s, alternative), floor), floor, "exact"


def exact_tail(null: NullOfS, s: int, alternative: Alternative) -> float:
    """The share of assignments with S at least as extreme as s."""
    scores, counts = null
    if alternative == "greater":
        counted = sum(c for score, c in zip(scores, counts, strict=True) if score >= s)
    elif alternative == "less":
        counted = sum(c for score, c in zip(scores, counts, strict=True) if score <= s)
    else:
        counted = sum(c for score, c in zip(scores, counts, strict=True) if abs(score) >= abs(s))
    return counted / sum(counts)


def _smallest_p(x: FloatVector, y: FloatVector, alternative: Alternative) -> float:
    """
    The p of the most extreme S.

    Exchanging the y-values of an opposed pair raises S by at least 2, so S is largest exactly where no pair is opposed:
    at the arrangements that also have the largest sum of products.
    """
    up, down = share_of_largest_sum(x, y), share_of_largest_sum(x, -y)
    a, b = np.sort(x), np.sort(y)
    highest, lowest = agreeing_and_opposed(a, b)[0], -agreeing_and_opposed(a, b[::-1])[1]
    return smallest_share(up, down, highest, lowest, alternative, doubled=False)


def _normal_tail(s: int, sd: float, alternative: Alternative) -> float:
    """Neighbouring scores of untied S lie 2 apart; half of that is the correction for continuity."""
    if alternative == "two-sided":
        return float(2 * scipy.special.ndtr(-max(0, abs(s) - 1) / sd))
    return float(scipy.special.ndtr(-((s if alternative == "greater" else -s) - 1) / sd))


@lru_cache(maxsize=64)
def null_of_s(rows: TieBlocks, columns: TieBlocks) -> NullOfS | None:
    """Every score of S and its number of assignments; None where that is too dear, known before it is begun."""
    if max(rows) == 1 or max(columns) == 1:
        blocks = columns if max(rows) == 1 else rows
        counts = inversion_counts(blocks)
        highest = untied_pairs(blocks)
        # opposed pairs cost 2 each, so few inversions are a high S; the counts are a palindrome
        return None if counts is None else (range(-highest, highest + 1, 2), counts)
    costs = {pair: _table_cost(*pair) for pair in ((rows, columns), (columns, rows))}
    cheapest = min(costs, key=lambda pair: costs[pair])
    return _table_counts(*cheapest) if costs[cheapest] <= _MAX_TABLE_COST else None


@lru_cache(maxsize=64)
def inversion_counts(blocks: TieBlocks) -> tuple[int, ...] | None:
    """
    Orders of a multiset by their number of inversions, 0, 1, ...; None where that is too dear.

    The coefficients of the Gaussian multinomial ``prod_{i<=n} (1 - q^i) / prod_j prod_{i<=b_j} (1 - q^i)`` (MacMahon),
    a palindrome, of which half is computed.
    """
    n, degree = sum(blocks), untied_pairs(blocks)
    half = degree // 2
    if 2 * n * (half + 1) > _MAX_ADDITIONS:
        return None
    c = [1] + [0] * half
    for i in range(1, min(n, half) + 1):
        for k in range(half, i - 1, -1):
            c[k] -= c[k - i]
    for b in blocks:
        for i in range(1, min(b, half) + 1):
            for k in range(i, half + 1):
                c[k] += c[k - i]
    return (*c, *reversed(c[: degree - half]))


def _table_counts(rows: TieBlocks, columns: TieBlocks) -> NullOfS:
    """
    S with ties on both sides: fill the blocks of x in order, from what is left of the blocks of y.

    A block of ``a`` that takes ``c_j`` of the j-th y-value, with ``r_j`` left for the later blocks, adds ``sum_j c_j
    (sum_{l>j} r_l - sum_{l<j} r_l)`` to S, in ``prod_j C(c_j + r_j, c_j)`` ways. Each polynomial in S is one whole
    number with a fixed number of bits per coefficient, so that adding and shifting are single operations.
    """
    left = sum(rows)
    bits = _orders(rows).bit_length() + 1
    layer = {columns: 1}
    for size in rows:
        left -= size
        following: dict[TieBlocks, int] = {}
        for state, polynomial in layer.items():
            for rest, ways, gain in _draws(state, size):
                # the gain is at least -size * left
                moved = (polynomial * ways) << ((gain + size * left) * bits)
                following[rest] = following.get(rest, 0) + moved
        layer = following
    (packed,) = layer.values()
    highest, mask = untied_pairs(rows), (1 << bits) - 1
    counts = tuple((packed >> (at * bits)) & mask for at in range(2 * highest + 1))
    return range(-highest, highest + 1), counts


def _draws(state: TieBlocks, size: int) -> Iterator[tuple[TieBlocks, int, int]]:
    """All ways to take ``size`` values out of a state: what is left, the number of ways, and the gain in S."""
    after = [0] * (len(state) + 1)
    for j in range(len(state) - 1, -1, -1):
        after[j] = after[j + 1] + state[j]

    def take(j: int, wanted: int, rest: TieBlocks, ways: int, gain: int, taken: int) -> Iterator[tuple[TieBlocks, int, int]]:
        if j == len(state):
            yield rest, ways, gain
            return
        below = sum(rest)
        for c in range(max(0, wanted - after[j + 1]), min(state[j], wanted) + 1):
            r = state[j] - c
            # what stays here agrees with everything taken below it, and what is taken here opposes all that stays below
            step = r * taken - c * below
            yield from take(j + 1, wanted - c, (*rest, r), ways * math.comb(state[j], c), gain + step, taken + c)

    return take(0, size, (), 1, 0, 0)


def _orders(blocks: TieBlocks) -> int:
    return math.factorial(sum(blocks)) // math.prod(math.factorial(b) for b in blocks)


def _table_cost(rows: TieBlocks, columns: TieBlocks) -> float:
    """Predicted microseconds: transitions of the recursion, times what one costs at the width of its polynomials."""
    n = sum(rows)
    if n > _MAX_TIED_VALUES:
        return math.inf
    # pairs[u, w]: ways to leave u values and take w, over all states
    pairs = np.zeros((n + 1, n + 1))
    pairs[0, 0] = 1.0
    for b in columns:
        wider = np.zeros_like(pairs)
        for i in range(b + 1):
            for c in range(b - i + 1):
                wider[i:, c:] += pairs[: n + 1 - i, : n + 1 - c]
        pairs = wider
    left = n - np.cumsum(rows)
    transitions = float(pairs[left, np.array(rows)].sum())
    bits = (_orders(rows).bit_length() + 1) * (2 * untied_pairs(rows) + 1)
    return transitions * (3.0 * len(columns) + bits / 7_000)
