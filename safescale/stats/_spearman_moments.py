"""
The exact moments of Spearman's statistic, with any ties.

The moments of ``S = sum_i a_i b_pi(i)`` over all permutations are rationals. With A the augmented monomial symmetric
functions, ``A_lambda(a) = sum over distinct i, j, .. of a_i^lambda_1 a_j^lambda_2 ..``, and N_lambda the number of set
partitions of type lambda::

    E[S^p] = sum over partitions lambda of p of N_lambda A_lambda(a) A_lambda(b) / (n (n - 1) .. (n - len(lambda) + 1))

A follows from power sums: ``A_(lambda, k) = A_k A_lambda - sum_i A_(lambda with lambda_i + k)``. n enters through the power
sums only, so the price is that of the order: some 0.2 s for all moments up to 24.

Private: `safescale.stats._spearman_expansion` turns them into a tail.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from safescale.stats._domain import IntVector

_Partition: TypeAlias = tuple[int, ...]


def partitions(total: int, largest: int) -> Iterator[_Partition]:
    """Partitions of a whole number into parts of at most ``largest``, parts falling."""
    if total == 0:
        yield ()
    for part in range(min(total, largest), 0, -1):
        for rest in partitions(total - part, part):
            yield (part, *rest)


def augmented_monomials(values: IntVector) -> Callable[[_Partition], int]:
    """The function ``A_lambda`` of some whole numbers; a partition without parts gives 1."""
    distinct, repeats = (column.tolist() for column in np.unique(values, return_counts=True))

    @functools.cache
    def power_sum(p: int) -> int:
        return int(sum(m * v**p for v, m in zip(distinct, repeats, strict=True)))

    @functools.cache
    def a(parts: _Partition) -> int:
        if not parts:
            return 1
        *others, last = parts
        joined = power_sum(last) * a(tuple(others))
        # less the terms in which the last index equals one of the others; equal parts give equal terms
        for i, part in enumerate(others):
            if i == 0 or part != others[i - 1]:
                merged = sorted((*others[:i], *others[i + 1 :], part + last), reverse=True)
                joined -= others.count(part) * a(tuple(merged))
        return joined

    return a


def permutation_moments(a: IntVector, b: IntVector) -> Iterator[Fraction]:
    """``E[S^0], E[S^1], ..`` over all permutations of b, each exact."""
    n, of_a = len(a), augmented_monomials(a)
    of_b = of_a if np.array_equal(np.sort(a), np.sort(b)) else augmented_monomials(b)
    for p in itertools.count():
        by_length: Counter[int] = Counter()
        for parts, ways in _set_partitions(p):
            if len(parts) <= n:
                by_length[len(parts)] += ways * of_a(parts) * of_b(parts)
        yield sum((Fraction(weight, math.perm(n, length)) for length, weight in by_length.items()), start=Fraction(0))


@functools.cache
def _set_partitions(size: int) -> tuple[tuple[_Partition, int], ...]:
    """The partitions of a number, each with the ways to split a set into blocks of these sizes."""
    found = []
    for parts in partitions(size, size):
        ways = math.factorial(size)
        for part, times in Counter(parts).items():
            ways //= math.factorial(part) ** times * math.factorial(times)
        found.append((parts, ways))
    return tuple(found)
