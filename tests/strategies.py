"""What hypothesis draws. Each strategy has its own test (`tests/stats/test_strategies.py`): it finds the corner cases."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

# ---- stats ----------------------------------------------------------------------------------------------------------

Cell = tuple[int, int]

MODEL_SIZES = (0.5, 0.8, 1.24, 1.9, 3.21, 4.0, 7.0, 8.03, 9.0, 13.0, 27.0, 70.6, 123.0, 405.9)


@st.composite
def cells(draw: st.DrawFn, *, max_trials: int = 3000) -> Cell:
    """Successes and trials of one cell: empty, full and single-trace cells on purpose."""
    n = draw(st.one_of(st.just(1), st.integers(1, 40), st.integers(1, max_trials)))
    k = draw(st.one_of(st.just(0), st.just(n), st.integers(0, n)))
    return k, n


def series(*, min_size: int = 2, max_size: int = 7, max_trials: int = 400) -> st.SearchStrategy[list[Cell]]:
    """Cells in the order of model size."""
    return st.lists(cells(max_trials=max_trials), min_size=min_size, max_size=max_size)


def levels() -> st.SearchStrategy[float]:
    """Nominal coverages, the usual ones first."""
    return st.one_of(st.sampled_from([0.8, 0.9, 0.95, 0.99]), st.floats(0.01, 0.9999))


def paired_tables(*, max_count: int = 200) -> st.SearchStrategy[tuple[int, int, int, int]]:
    """n11, n10, n01, n00 with at least one pair, zeros on purpose."""
    one = st.one_of(st.just(0), st.integers(0, max_count))
    return st.tuples(one, one, one, one).filter(any)


def rates() -> st.SearchStrategy[float]:
    """Fractions as counts make them: 0 and 1 on purpose, ties likely."""
    return st.one_of(st.sampled_from([0.0, 0.05, 0.5, 1.0]), cells(max_trials=400).map(lambda cell: cell[0] / cell[1]))


@st.composite
def sized_rates(
    draw: st.DrawFn, *, min_models: int = 3, max_models: int = 8, untied: bool = False
) -> tuple[list[float], list[float]]:
    """Model sizes (at least 3 distinct) and a rate each; repeated sizes and equal rates unless ``untied``."""
    n = draw(st.integers(min_models, max_models))
    sizes = draw(st.lists(st.sampled_from(MODEL_SIZES), min_size=n, max_size=n, unique=untied).filter(lambda s: len(set(s)) > 2))
    fractions = draw(st.lists(rates(), min_size=n, max_size=n, unique=untied))
    return sizes, fractions


@st.composite
def grouped_rates(draw: st.DrawFn) -> tuple[list[float], list[float], list[str]]:
    """Two or three lineages of 2-4 models, at least one with 3 distinct sizes."""
    sizes, groups = list(draw(st.permutations(MODEL_SIZES)))[:3], ["a"] * 3
    for name in draw(st.sampled_from(["b", "bc"])):
        members = draw(st.lists(st.sampled_from(MODEL_SIZES), min_size=2, max_size=4))
        sizes, groups = sizes + members, groups + [name] * len(members)
    fractions = draw(st.lists(rates(), min_size=len(sizes), max_size=len(sizes)))
    return sizes, fractions, groups


@st.composite
def tied_columns(draw: st.DrawFn, *, min_pairs: int = 3, max_pairs: int = 7) -> tuple[list[int], list[int]]:
    """Two columns of small whole numbers, ties likely, neither constant."""
    n = draw(st.integers(min_pairs, max_pairs))
    column = st.lists(st.integers(0, 4), min_size=n, max_size=n).filter(lambda values: len(set(values)) > 1)
    return draw(column), draw(column)


def p_values(*, max_size: int = 12) -> st.SearchStrategy[list[float]]:
    """Raw p-values, 0, 1 and equal ones on purpose."""
    one = st.one_of(st.sampled_from([0.0, 1.0, 0.05, 0.01]), st.floats(0.0, 1.0))
    return st.lists(one, min_size=1, max_size=max_size)


def columns(pairs: Sequence[Cell]) -> tuple[list[int], list[int]]:
    """Successes and trials as two columns."""
    return [k for k, _ in pairs], [n for _, n in pairs]
