"""What hypothesis draws for agreement and grader error: tables, ratings with gaps, validation samples."""

from __future__ import annotations

from hypothesis import strategies as st

Table = list[list[int]]


@st.composite
def square_tables(draw: st.DrawFn, *, max_categories: int = 4, max_count: int = 30) -> Table:
    """Two graders' tables with at least one trace: perfect agreement, one label only and empty rows on purpose."""
    q = draw(st.integers(2, max_categories))
    full = draw(st.booleans())
    one = st.integers(1, max_count) if full else st.one_of(st.just(0), st.integers(0, max_count))
    table = [[draw(one) for _ in range(q)] for _ in range(q)]
    if draw(st.integers(0, 5)) == 0:
        table = [[table[i][j] if i == j else 0 for j in range(q)] for i in range(q)]
    if not any(map(any, table)):
        table[draw(st.integers(0, q - 1))][draw(st.integers(0, q - 1))] = 1
    return table


@st.composite
def ratings(draw: st.DrawFn, *, max_units: int = 9, max_raters: int = 4, missing: bool = True) -> list[list[int | None]]:
    """Units by raters, labels 1-4, gaps likely, at least one unit with two ratings."""
    raters = draw(st.integers(2, max_raters))
    label = st.integers(1, draw(st.integers(1, 4)))
    cell = st.one_of(st.none(), label, label) if missing else label
    units = [[draw(cell) for _ in range(raters)] for _ in range(draw(st.integers(0, max_units - 1)))]
    return [*units, [draw(label) for _ in range(raters)]]


def equal_counts(*, max_items: int = 8) -> st.SearchStrategy[list[list[int]]]:
    """Items by categories, the same number of ratings in each row."""

    def rows(shape: tuple[int, int]) -> st.SearchStrategy[list[list[int]]]:
        raters, q = shape
        row = st.lists(st.integers(0, q - 1), min_size=raters, max_size=raters).map(
            lambda given: [given.count(category) for category in range(q)]
        )
        return st.lists(row, min_size=1, max_size=max_items)

    return st.tuples(st.integers(2, 5), st.integers(1, 4)).flatmap(rows)


@st.composite
def validation_tables(draw: st.DrawFn, *, max_count: int = 40) -> tuple[tuple[int, int], tuple[int, int]]:
    """``table[true][graded]`` with at least one row per graded label; zero errors on purpose."""
    one = st.one_of(st.just(0), st.integers(0, max_count))
    (n00, n10), (n01, n11) = (draw(st.tuples(one, one).filter(any)) for _ in range(2))
    return (n00, n01), (n10, n11)


def rows_of(table: tuple[tuple[int, int], tuple[int, int]]) -> tuple[list[int], list[int]]:
    """The table written out, one row per trace: true and graded labels."""
    cells = [(t, g) for t in (0, 1) for g in (0, 1) for _ in range(table[t][g])]
    return [t for t, _ in cells], [g for _, g in cells]
