"""The strategies of agreement find what they were written to find."""

import pytest
from hypothesis import Phase, find, settings

from stats.agreement_strategies import equal_counts, ratings, rows_of, square_tables, validation_tables

_SEARCH = settings(max_examples=5000, derandomize=True, database=None, phases=[Phase.generate])


def diagonal(table):
    return all(n == 0 for i, row in enumerate(table) for j, n in enumerate(row) if i != j)


@pytest.mark.parametrize(
    ("strategy", "corner"),
    [
        (square_tables(), lambda t: diagonal(t) and sum(row[i] > 0 for i, row in enumerate(t)) > 1),
        (square_tables(), lambda t: diagonal(t) and sum(row[i] > 0 for i, row in enumerate(t)) == 1),
        (square_tables(), lambda t: sum(map(any, t)) == 1 and sum(map(any, zip(*t, strict=True))) > 1),
        (square_tables(), lambda t: len(t) == 4 and all(map(all, t))),
        (ratings(), lambda r: any(all(x is None for x in unit) for unit in r)),
        (ratings(), lambda r: any(sum(x is not None for x in unit) == 1 for unit in r)),
        (ratings(), lambda r: len(r) == 1),
        (ratings(), lambda r: len(r) > 2 and len({x for unit in r for x in unit if x is not None}) == 1),
        (ratings(missing=False), lambda r: len(r) > 3 and all(len(set(unit)) == 1 for unit in r) and len({u[0] for u in r}) > 1),
        (equal_counts(), lambda c: len(c) == 1),
        (equal_counts(), lambda c: len(c[0]) == 1),
        (equal_counts(), lambda c: len(c) > 3 and all(max(row) == sum(row) for row in c) and len(set(map(tuple, c))) > 1),
        (validation_tables(), lambda t: t[0][1] == t[1][0] == 0 and t[0][0] > 5 and t[1][1] > 5),
        (validation_tables(), lambda t: t[1][0] == t[1][1] == 0),
        (validation_tables(), lambda t: all(map(all, t))),
    ],
)
def test_strategy_finds_the_corner(strategy, corner):
    assert corner(find(strategy, corner, settings=_SEARCH))


def test_rows_of_writes_the_table_out():
    assert rows_of(((1, 0), (2, 1))) == ([0, 1, 1, 1], [0, 0, 0, 1])
