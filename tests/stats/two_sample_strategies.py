"""Pairs of cells as hypothesis draws them, the corners of the 2x2 table on purpose, and thousands of them from a seed."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import strategies as own

Pair = tuple[int, int, int, int]


@st.composite
def _corners(draw: st.DrawFn, *, max_trials: int) -> Pair:
    """Each cell empty, full, or one trace from either; equal and unequal sizes."""
    n1, n2 = draw(st.integers(1, max_trials)), draw(st.integers(1, max_trials))
    k1, k2 = (draw(st.sampled_from([0, n, min(1, n), n - 1])) for n in (n1, n2))
    return k1, n1, k2, n2


def pairs(*, max_trials: int = 3000) -> st.SearchStrategy[Pair]:
    """successes_1, trials_1, successes_2, trials_2."""
    free = st.tuples(own.cells(max_trials=max_trials), own.cells(max_trials=max_trials)).map(lambda two: two[0] + two[1])
    return st.one_of(free, _corners(max_trials=max_trials))


def columns_of_pairs(*, max_size: int = 6) -> st.SearchStrategy[list[Pair]]:
    """One to six pairs."""
    return st.lists(pairs(max_trials=500), min_size=1, max_size=max_size)


def random_columns(size: int, *, seed: int, max_trials: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Columns of pairs from a seed: a third small, a fifth of the cells empty, a fifth full."""
    rng = np.random.default_rng(seed)
    columns = []
    for _ in range(2):
        n = np.where(rng.random(size) < 1 / 3, rng.integers(1, 8, size), rng.integers(1, max_trials, size))
        k = rng.binomial(n, rng.random(size))
        kind = rng.random(size)
        k = np.where(kind < 0.2, 0, np.where(kind < 0.4, n, k))
        columns += [k, n]
    return columns[0], columns[1], columns[2], columns[3]
