"""The permutation distribution of the between-group share of one-way sums of squares: every label, moved anywhere."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import scipy

from safescale.stats._arrangements import arrangements, multiplicities
from safescale.stats._domain import FloatVector, IntVector
from safescale.stats._one_way import OneWay
from safescale.stats._tails import RESAMPLES, seeded

VariancePermutationMethod: TypeAlias = Literal["exact", "monte_carlo", "beta_moments"]

# enumerated where the distinct arrangements of labels or of tied values are no more
MAX_ENUMERATED = 100_000
# the enumeration counts in 8 bits
MAX_N_ENUMERATED = 127
# values moved by default, some tenths of a second; with fewer than MIN_RESAMPLES rounds the moments say more
MOVES = 20_000_000
MIN_RESAMPLES = 999
# numbers per chunk: 8 MiB of floats
_CHUNK = 1 << 20


def permutation_p(
    table: OneWay, *, resamples: int | None, rng: np.random.Generator | int | None
) -> tuple[float, VariancePermutationMethod, int]:
    """The p of the share between groups, how it was found, and the number of arrangements behind it."""
    rng = seeded(rng)
    if table.k == 1 or table.k == table.n:
        return 1.0, "exact", 1
    if resamples is None:
        resamples = min(RESAMPLES, MOVES // table.n)
        resamples = 0 if resamples < MIN_RESAMPLES else resamples
    if resamples == 0 and table.n > MAX_N_ENUMERATED:
        return _beta_tail(table), "beta_moments", 0
    d = table.values - table.values.mean()
    d -= d.mean()
    # arrangements of equal shares differ in their last bits only
    threshold = table.between - 1e-10 * table.total
    if _fewest(d, table.sizes) <= MAX_ENUMERATED:
        shares = _every_between(d, table)
        return float(np.count_nonzero(shares >= threshold)) / len(shares), "exact", len(shares)
    if resamples == 0:
        return _beta_tail(table), "beta_moments", 0
    beyond = _random_exceedances(d, table.sizes, threshold, resamples, np.random.default_rng(rng))
    return (beyond + 1) / (resamples + 1), "monte_carlo", resamples


def between_of_rows(rows: FloatVector, sizes: IntVector) -> FloatVector:
    """
    Sums of squares between groups of many arrangements, shape ``(arrangements,)``.

    `rows` has shape ``(arrangements, n)``, each row centred, the groups one after the other with these `sizes`.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums = np.add.reduceat(rows, starts, axis=1)
    result: FloatVector = np.einsum("ij,j->i", sums * sums, 1.0 / sizes)
    return result


def _arrangement_counts(d: FloatVector, sizes: IntVector) -> tuple[int, int]:
    """Distinct arrangements of the labels and of the values."""
    orders = math.factorial(len(d))
    of_labels = orders // math.prod(math.factorial(m) for m in sizes.tolist())
    return of_labels, orders // math.prod(math.factorial(m) for m in multiplicities(d))


def _fewest(d: FloatVector, sizes: IntVector) -> float:
    return math.inf if len(d) > MAX_N_ENUMERATED else min(_arrangement_counts(d, sizes))


def _every_between(d: FloatVector, table: OneWay) -> FloatVector:
    of_labels, of_values = _arrangement_counts(d, table.sizes)
    moving_labels = of_labels <= of_values
    orders = arrangements(np.repeat(np.arange(table.k), table.sizes) if moving_labels else d)
    shares = []
    for part in _parts(len(orders), table.n):
        # sorting the places by label puts each group's values side by side
        rows = d[np.argsort(orders[part], axis=1, kind="stable")] if moving_labels else orders[part]
        shares.append(between_of_rows(rows, table.sizes))
    return np.concatenate(shares)


def _parts(rows: int, n: int) -> list[slice]:
    step = max(1, _CHUNK // n)
    return [slice(start, start + step) for start in range(0, rows, step)]


def _random_exceedances(d: FloatVector, sizes: IntVector, threshold: float, resamples: int, generator: np.random.Generator) -> int:
    beyond = 0
    for part in _parts(resamples, len(d)):
        rows = np.tile(d, (min(part.stop, resamples) - part.start, 1))
        beyond += int(np.count_nonzero(between_of_rows(generator.permuted(rows, axis=1, out=rows), sizes) >= threshold))
    return beyond


def share_moments(table: OneWay) -> tuple[float, float]:
    """
    Exact mean and variance of the share between groups over all ``n!`` assignments, n at least 4.

    The mean is ``(k - 1) / (n - 1)``. With ``A`` the projection on the groups less the grand mean, ``Q = d'A d`` and the
    k-statistics of the values, ``Var Q = k4 sum A_ii^2 + k22 (2 (k-1) + (k-1)^2) - (k2 (k-1))^2``, since the average of
    ``Q^2`` over assignments is the symmetric unbiased estimate of its mean under sampling, and there is but one.
    """
    n, k = table.n, table.k
    m4 = n * table.fourth / table.total**2
    # in units in which SST = n
    k2 = n / (n - 1)
    k4 = n * n * ((n + 1) * m4 - 3 * (n - 1)) / ((n - 1) * (n - 2) * (n - 3))
    k22 = (k2 * k2 - k4 / n) * (n - 1) / (n + 1)
    diagonal = float(np.sum(1 / table.sizes)) - (2 * k - 1) / n
    return (k - 1) / (n - 1), (k4 * diagonal + k22 * (k - 1) * (k + 1) - (k2 * (k - 1)) ** 2) / n**2


def _beta_tail(table: OneWay) -> float:
    """Pitman's approximation: the beta distribution with the permutation distribution's mean and variance."""
    mean, variance = share_moments(table)
    if variance <= 0:
        return 1.0
    size = mean * (1 - mean) / variance - 1
    p = float(scipy.special.betaincc(size * mean, size * (1 - mean), min(1.0, table.between / table.total)))
    return max(p, float(np.finfo(np.float64).tiny))
