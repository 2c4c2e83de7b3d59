"""The strategies of clusters find what they were written to find."""

import pytest
from hypothesis import Phase, find, settings

from stats.proportion_strategies import clusters, identified_clusters

_SEARCH = settings(max_examples=5000, derandomize=True, database=None, phases=[Phase.generate])


@pytest.mark.parametrize(
    ("strategy", "corner"),
    [
        (clusters(), lambda c: sum(c[0]) == 0 and max(c[1]) > 1),
        (clusters(), lambda c: c[0] == c[1] and max(c[1]) > 1),
        (clusters(), lambda c: set(c[1]) == {1} and 0 < sum(c[0]) < len(c[0])),
        (clusters(), lambda c: all(2 * k == n for k, n in zip(*c, strict=True))),
        (clusters(), lambda c: all(k in (0, n) for k, n in zip(*c, strict=True)) and 0 < sum(c[0]) < sum(c[1]) and min(c[1]) > 1),
        (clusters(), lambda c: len(c[0]) == 2),
        (clusters(), lambda c: min(c[1]) == 1 and max(c[1]) > 10),
        (identified_clusters(), lambda c: all(k in (0, n) for k, n in zip(*c, strict=True))),
        (identified_clusters(), lambda c: all(2 * k == n for k, n in zip(*c, strict=True))),
    ],
)
def test_strategy_finds_the_corner(strategy, corner):
    assert corner(find(strategy, corner, settings=_SEARCH))
