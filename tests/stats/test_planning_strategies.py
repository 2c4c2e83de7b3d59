"""The strategies of resampling and planning find what they were written to find."""

import numpy as np
import pytest
from hypothesis import Phase, find, settings

from stats import planning_strategies as own

_SEARCH = settings(max_examples=5000, derandomize=True, database=None, phases=[Phase.generate])


@pytest.mark.parametrize(
    ("strategy", "corner"),
    [
        (own.cluster_tables(), lambda t: t[0][:, 0].sum() == 0 and t[0].shape[1] > 1 and t[0].sum() > 0),
        (own.cluster_tables(), lambda t: np.array_equal(*t)),
        (own.cluster_tables(), lambda t: np.any(t[1] == 0)),
        (own.cluster_tables(), lambda t: np.all(t[1] > 0) and len(t[1]) == 16),
        (own.cluster_tables(), lambda t: 0 < t[0].sum() < t[1].sum()),
        (own.blocked_values(), lambda v: v[1] is None and len(set(v[0])) == len(v[0]) > 3),
        (own.blocked_values(), lambda v: v[1] is None and len(set(v[0])) == 1),
        (own.blocked_values(), lambda v: v[1] is not None and min(v[1].count(b) for b in v[1]) == 1),
        (own.blocked_values(), lambda v: v[1] is not None and sum(v[1].count(b) > 1 for b in "abc") == 2),
        (own.alphas(), lambda a: a == 0.05),
        (own.alphas(), lambda a: a < 0.005),
        (own.alternatives(), lambda a: a == "less"),
        (own.designs(), lambda s: len(set(s)) < len(s)),
        (own.designs(), lambda s: len(s) == 3),
        (own.designs(), lambda s: len(s) > 20),
        (own.group_sizes(), lambda s: len(set(s)) == 1),
        (own.group_sizes(), lambda s: min(s) == 1 and max(s) > 4),
        (own.noises(), lambda n: "residual_sd" in n),
        (own.noises(), lambda n: n.get("tau_pp") == 0 and n["trials"] > 100),
        (own.noises(), lambda n: n.get("design_effect", 1) > 2 and n["tau_pp"] > 5),
    ],
)
def test_finds_the_corner(strategy, corner):
    assert find(strategy, corner, settings=_SEARCH) is not None
