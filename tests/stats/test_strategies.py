"""The strategies find what they were written to find."""

import pytest
from hypothesis import Phase, find, settings

import strategies as own

_SEARCH = settings(max_examples=5000, derandomize=True, database=None, phases=[Phase.generate])


@pytest.mark.parametrize(
    ("strategy", "corner"),
    [
        (own.cells(), lambda c: c[0] == 0 and c[1] > 1),
        (own.cells(), lambda c: c[0] == c[1] > 1),
        (own.cells(), lambda c: c[1] == 1),
        (own.cells(), lambda c: 0 < c[0] < c[1]),
        (own.series(), lambda s: all(k == 0 for k, _ in s)),
        (own.levels(), lambda level: level == 0.95),
        (own.levels(), lambda level: level > 0.999),
        (own.paired_tables(), lambda t: t[1] == t[2] == 0),
        (own.paired_tables(), lambda t: all(t)),
        (own.rates(), lambda r: r == 1.0),
        (own.sized_rates(), lambda d: len(set(d[0])) < len(d[0])),
        (own.sized_rates(), lambda d: len(set(d[1])) == 1),
        (own.sized_rates(untied=True), lambda d: len(d[0]) == 8),
        (
            own.grouped_rates(),
            lambda d: d[2].count("b") == 2 and len({s for s, g in zip(d[0], d[2], strict=True) if g == "b"}) == 1,
        ),
        (own.grouped_rates(), lambda d: "c" in d[2]),
        (own.tied_columns(), lambda d: len(set(d[0])) == len(d[0]) == 5),
        (own.tied_columns(), lambda d: len(set(d[0])) == len(set(d[1])) == 2),
        (own.p_values(), lambda p: 0.0 in p and 1.0 in p),
        (own.p_values(), lambda p: len(set(p)) < len(p)),
    ],
)
def test_strategy_finds_the_corner(strategy, corner):
    assert corner(find(strategy, corner, settings=_SEARCH))
