"""What the tests of rank and trend draw. Their own test: `test_trend_strategies.py`."""

from __future__ import annotations

from hypothesis import strategies as st

import strategies as own

ALTERNATIVES = st.sampled_from(["two-sided", "greater", "less"])

Counts = list[list[int]]


def ordered_groups(*, max_groups: int = 4, max_values: int = 3, top: int = 4) -> st.SearchStrategy[list[list[int]]]:
    """Groups of small whole numbers in an order: ties and single values likely, at least 3 values, not all equal."""
    group = st.lists(st.integers(0, top), min_size=1, max_size=max_values)
    return st.lists(group, min_size=2, max_size=max_groups).filter(
        lambda groups: sum(map(len, groups)) > 2 and len({value for group in groups for value in group}) > 1
    )


@st.composite
def scored_cells(draw: st.DrawFn, *, max_cells: int = 5, max_trials: int = 60) -> tuple[list[int], list[int], list[float]]:
    """Successes, trials and scores, at least two scores distinct; empty and full cells on purpose."""
    cells = draw(own.series(min_size=2, max_size=max_cells, max_trials=max_trials))
    k, n = own.columns(cells)
    score = st.sampled_from([-1.0, 0.0, 0.25, 1.0, 2.5])
    scores = draw(st.lists(score, min_size=len(k), max_size=len(k)).filter(lambda s: len(set(s)) > 1))
    return k, n, scores


@st.composite
def clustered_counts(draw: st.DrawFn, *, max_clusters: int = 6) -> tuple[Counts, Counts, list[float]]:
    """Successes and trials per cluster and score: missing cells, single trials; no cluster and no score without trials."""
    scores = draw(st.sampled_from([[0.0, 1.0], [0.0, 1.0, 3.0], [-1.0, 0.5, 0.5, 2.0]]))
    rows = draw(st.integers(2, max_clusters))
    trials, successes = [], []
    for row in range(rows):
        n = draw(st.lists(st.integers(0 if row else 1, 4), min_size=len(scores), max_size=len(scores)).filter(any))
        trials.append(n)
        successes.append([draw(st.integers(0, cell)) for cell in n])
    return successes, trials, scores


@st.composite
def many_sizes(draw: st.DrawFn, *, most: int = 12) -> tuple[list[float], list[float]]:
    """At least 8 distinct sizes, some of them repeated, with a rate each."""
    n = draw(st.integers(8, most))
    sizes = list(draw(st.permutations(own.MODEL_SIZES)))[:8]
    sizes += draw(st.lists(st.sampled_from(own.MODEL_SIZES), min_size=n - 8, max_size=n - 8))
    return sizes, draw(st.lists(own.rates(), min_size=n, max_size=n))
