"""What hypothesis draws for shares of variance; tested in ``test_eta_squared.py``."""

from __future__ import annotations

from hypothesis import strategies as st

import strategies as own


@st.composite
def grouped_values(draw: st.DrawFn, *, max_groups: int = 5, max_size: int = 5, min_size: int = 1) -> tuple[list[float], list[str]]:
    """Two or more groups, sizes unequal and often 1; values not all equal, ties likely; in mixed order."""
    k = draw(st.integers(2, max_groups))
    sizes = draw(st.lists(st.integers(min_size, max_size), min_size=k, max_size=k))
    one = st.one_of(own.rates(), st.integers(-40, 40).map(lambda value: value / 8))
    values = draw(st.lists(one, min_size=sum(sizes), max_size=sum(sizes)).filter(lambda v: max(v) - min(v) > 1e-3))
    labels = [name for name, size in zip("abcdefgh", sizes, strict=False) for _ in range(size)]
    return values, draw(st.permutations(labels))


def spread_within(values: list[float], labels: list[str]) -> bool:
    """Whether some group holds two values that differ."""
    return any(
        max(members) - min(members) > 1e-3
        for name in set(labels)
        for members in [[v for v, label in zip(values, labels, strict=True) if label == name]]
    )
