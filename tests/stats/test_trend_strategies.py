"""The strategies of rank and trend find what they were written to find."""

import pytest
from hypothesis import Phase, find, settings

from stats.trend_strategies import clustered_counts, many_sizes, ordered_groups, scored_cells

_SEARCH = settings(max_examples=5000, derandomize=True, database=None, phases=[Phase.generate])


@pytest.mark.parametrize(
    ("strategy", "corner"),
    [
        (ordered_groups(), lambda groups: any(len(group) == 1 for group in groups)),
        (ordered_groups(), lambda groups: len({v for g in groups for v in g}) == sum(map(len, groups)) > 3),
        (ordered_groups(), lambda groups: set(groups[0]) & set(groups[1])),
        (ordered_groups(), lambda groups: len(groups) == 2),
        (scored_cells(), lambda d: sum(d[0]) == 0),
        (scored_cells(), lambda d: d[0] == d[1]),
        (scored_cells(), lambda d: len(set(d[2])) < len(d[2])),
        (scored_cells(), lambda d: 0 < sum(d[0]) < sum(d[1])),
        (clustered_counts(), lambda d: any(0 in row for row in d[1])),
        (clustered_counts(), lambda d: sum(map(sum, d[0])) == 0),
        (clustered_counts(), lambda d: len(d[1]) == 2),
        (many_sizes(), lambda d: len(set(d[0])) < len(d[0])),
        (many_sizes(), lambda d: len(set(d[0])) == len(d[0]) > 9),
        (many_sizes(), lambda d: len(set(d[1])) == 1),
    ],
)
def test_strategy_finds_the_corner(strategy, corner):
    assert corner(find(strategy, corner, settings=_SEARCH))
