"""Rates in resamples of clusters, counted in whole numbers: draw, count the draws, multiply by the counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from safescale.stats._domain import FloatVector, IntVector

# weights held at once: half a megabyte as float32
_BLOCK = 131_072
# multiplications below which OpenBLAS works in one thread
_ONE_THREAD = 500_000
# whole numbers up to these are exact, and so is every partial sum of them
_EXACT_IN_FLOAT32, _EXACT_IN_FLOAT64 = 2**24, 2**53


def resampled_contrasts(
    k: IntVector, n: IntVector, c: FloatVector, resamples: int, generator: np.random.Generator
) -> tuple[FloatVector, int]:
    """Contrasts of the rates in every resample, shape ``(contrasts, resamples)``; and how many were drawn again."""
    clusters = len(k)
    columns, radix = _columns(k, n)
    replicates: FloatVector = np.empty((len(c), resamples))
    rows = max(1, _BLOCK // clusters)
    numbered = np.empty((rows, clusters), dtype=np.int64)
    weights = np.empty((rows, clusters), dtype=columns.dtype)
    redrawn = 0
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        successes, trials = _totals(_product(_draw(generator, numbered[:size], weights[:size]), columns), radix)
        while trials.min() == 0:
            empty = np.any(trials == 0, axis=1)
            again = int(np.count_nonzero(empty))
            sums = _product(_draw(generator, numbered[:again], weights[:again]), columns)
            successes[empty], trials[empty] = _totals(sums, radix)
            redrawn += again
        replicates[:, start : start + size] = c @ (successes / trials).T
    return replicates, redrawn


def _columns(k: IntVector, n: IntVector) -> tuple[npt.NDArray[Any], int | None]:
    """
    The counts as columns to be summed, in the smallest float in which every sum is exact.

    Where there is room, successes and trials share a column as ``k + radix n``: half the multiplications. Otherwise they
    stand side by side, and the radix is None.
    """
    clusters = len(k)
    radix = clusters * int(k.max()) + 1
    largest = radix * (clusters * int(n.max()) + 1)
    if largest <= _EXACT_IN_FLOAT64:
        packed = k + radix * n
        return packed.astype(np.float32 if largest <= _EXACT_IN_FLOAT32 else np.float64), radix
    return np.hstack([k, n]).astype(np.float64), None


def _totals(sums: npt.NDArray[Any], radix: int | None) -> tuple[FloatVector, FloatVector]:
    """Successes and trials of each resample and model, shape ``(rows, models)`` each."""
    if radix is None:
        successes, trials = np.hsplit(sums, 2)
        return successes.copy(), trials.copy()
    whole = sums.astype(np.float64)
    trials = np.floor(whole / radix)
    return whole - radix * trials, trials


def _draw(generator: np.random.Generator, numbered: IntVector, weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """
    Fill and give ``weights``, shape ``(rows, clusters)``: how often each cluster is drawn. Rows sum to their length.

    ``numbered`` is scratch of the same shape: the draws, made distinct between rows.
    """
    rows, clusters = weights.shape
    # 16 random bits are enough for a cluster's number, and a quarter of the price
    small = np.uint16 if clusters <= 2**16 else np.int64
    drawn = generator.integers(0, clusters, size=(rows, clusters), dtype=small)
    np.add(drawn, clusters * np.arange(rows)[:, np.newaxis], out=numbered)
    weights[:] = np.bincount(numbered.ravel(), minlength=numbered.size).reshape(rows, clusters)
    return weights


def _product(weights: npt.NDArray[Any], columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``weights @ columns`` a few rows at a time: BLAS then starts no threads, which on a busy machine wait for each other."""
    rows = _ONE_THREAD // columns.size
    whole = len(weights) // rows * rows if rows >= 4 else 0
    if whole == 0:
        return np.asarray(weights @ columns)
    stacked = weights[:whole].reshape(-1, rows, weights.shape[1]) @ columns
    return np.concatenate([stacked.reshape(whole, -1), weights[whole:] @ columns])
