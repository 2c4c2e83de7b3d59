"""Clusters of trials: prompts with several answers each."""

from __future__ import annotations

from hypothesis import strategies as st

Clusters = tuple[list[int], list[int]]


@st.composite
def clusters(draw: st.DrawFn, *, min_size: int = 2, max_size: int = 10, max_trials: int = 12) -> Clusters:
    """Successes and trials by cluster: all empty, all full, all or nothing, equal rates and single trials on purpose."""
    size = draw(st.integers(min_size, max_size))
    trials = draw(st.one_of(st.just([4] * size), st.lists(st.integers(1, max_trials), min_size=size, max_size=size)))
    kind = draw(st.sampled_from(["any", "any", "any", "empty", "full", "all_or_nothing", "half", "singles"]))
    if kind == "singles":
        trials = [1] * size
    if kind == "half":
        return list(trials), [2 * n for n in trials]
    share = {"empty": st.just(0), "full": st.just(1), "all_or_nothing": st.integers(0, 1)}.get(kind)
    if share is not None:
        return [n * draw(share) for n in trials], trials
    return [draw(st.integers(0, n)) for n in trials], trials


def identified_clusters() -> st.SearchStrategy[Clusters]:
    """Clusters to which a beta-binomial distribution can be fitted."""
    return clusters().filter(lambda c: sum(n > 1 for n in c[1]) > 1 and 0 < sum(c[0]) < sum(c[1]))
