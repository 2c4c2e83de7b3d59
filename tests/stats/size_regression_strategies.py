"""What the tests of the regressions on model size draw."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import strategies as own

Counts = tuple[list[float], list[int], list[int]]


@st.composite
def sized_counts(draw: st.DrawFn, *, min_models: int = 3, max_models: int = 8, max_trials: int = 3000) -> Counts:
    """Sizes (at least 3 distinct), successes and trials; empty and full cells and repeated sizes on purpose."""
    m = draw(st.integers(min_models, max_models))
    sizes = draw(st.lists(st.sampled_from(own.MODEL_SIZES), min_size=m, max_size=m).filter(lambda s: len(set(s)) > 2))
    cells = draw(st.lists(own.cells(max_trials=max_trials), min_size=m, max_size=m))
    return sizes, *own.columns(cells)


def overlap(sizes: list[float], successes: list[int], trials: list[int]) -> bool:
    """Whether a finite logit line of highest likelihood exists: written out apart from the package."""
    rows = list(zip(sizes, successes, trials, strict=True))
    for cut in [*sorted(set(sizes)), max(sizes) + 1]:
        # at the cut itself anything may be: the line passes there on its way from one end of the scale to the other
        below, above = [(k, n) for s, k, n in rows if s < cut], [(k, n) for s, k, n in rows if s > cut]
        if all(k == 0 for k, _ in below) and all(k == n for k, n in above):
            return False
        if all(k == n for k, n in below) and all(k == 0 for k, _ in above):
            return False
    return True


@st.composite
def overlapping_counts(draw: st.DrawFn, *, max_models: int = 8, max_trials: int = 400) -> Counts:
    """Counts for which a logit line exists, and which say something of rho: not every model at 0 or all of its trials."""
    sizes, k, n = draw(sized_counts(max_models=max_models, max_trials=max_trials))
    # two models in the middle of the scale, at the ends of the sizes
    for at in (int(np.argmin(sizes)), int(np.argmax(sizes))):
        n[at] = max(n[at], 2)
        k[at] = min(max(k[at], 1), n[at] - 1)
    return sizes, k, n


@st.composite
def grouped_rows(draw: st.DrawFn, *, max_groups: int = 5) -> tuple[list[float], list[float], list[int]]:
    """Rows of groups in any order: single models, one, two or more sizes, equal rates and rates on a line on purpose."""
    rows: list[tuple[float, float, int]] = []
    for group in range(draw(st.integers(1, max_groups))):
        m = draw(st.integers(1, 6))
        ladder = draw(st.lists(st.sampled_from(own.MODEL_SIZES), min_size=1, max_size=3, unique=True))
        sizes = draw(st.lists(st.sampled_from(ladder), min_size=m, max_size=m))
        kind = draw(st.sampled_from(["free", "equal", "line"]))
        free = draw(st.lists(own.rates(), min_size=m, max_size=m))
        rates = {"free": free, "equal": [free[0]] * m, "line": [0.5 + 0.1 * float(np.log10(s)) for s in sizes]}[kind]
        rows += [(s, r, 7 * group - 3) for s, r in zip(sizes, rates, strict=True)]
    order = draw(st.permutations(range(len(rows))))
    sizes, rates, groups = zip(*(rows[i] for i in order), strict=True)
    return list(sizes), list(rates), list(groups)


@st.composite
def clustered_rows(draw: st.DrawFn) -> tuple[list[list[float]], list[float], list[int]]:
    """Design with intercept and one or two columns, response and 3 to 7 clusters of 1 to 4 rows; a slope within and between."""
    clusters = draw(st.integers(3, 7))
    counts = draw(st.lists(st.integers(1, 4), min_size=clusters, max_size=clusters))
    labels = [c for c, m in enumerate(counts) for _ in range(m)]
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    columns = [np.ones(len(labels)), rng.normal(size=len(labels))]
    if draw(st.booleans()) and len(labels) >= 6 and clusters >= 5:
        columns.append(rng.normal(size=clusters)[labels])
    return np.column_stack(columns).tolist(), rng.normal(size=len(labels)).tolist(), labels


@st.composite
def bent_rows(draw: st.DrawFn) -> tuple[list[float], list[float], list[str]]:
    """Rows of one to three lineages, the first with 5 distinct sizes, in any order: straight, bent either way and free rates."""
    ladder = list(draw(st.permutations(own.MODEL_SIZES)))[:5]
    sizes, groups = list(ladder), ["a"] * 5
    for name in draw(st.sampled_from(["", "b", "bc"])):
        members = draw(st.lists(st.sampled_from(own.MODEL_SIZES), min_size=1, max_size=4))
        sizes, groups = sizes + members, groups + [name] * len(members)
    bend = draw(st.sampled_from([0.0, 0.1, -0.1]))
    free = draw(st.lists(own.rates(), min_size=len(sizes), max_size=len(sizes)))
    centred = np.log10(sizes) - 1.0
    rates = np.clip(0.4 + bend * centred**2 + 0.3 * (np.array(free) - 0.5), 0.0, 1.0).tolist()
    order = draw(st.permutations(range(len(sizes))))
    return [sizes[i] for i in order], [rates[i] for i in order], [groups[i] for i in order]
