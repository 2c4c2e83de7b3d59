"""What the tests of resampling and planning draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from strategies import MODEL_SIZES

Table = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@st.composite
def cluster_tables(draw: st.DrawFn) -> Table:
    """Successes and trials, shape (clusters, models): models without a success, missing cells and equal prompts on purpose."""
    clusters, models = draw(st.integers(10, 16)), draw(st.integers(1, 3))
    missing = draw(st.booleans())
    cell = st.integers(0, 3) if missing else st.integers(1, 4)
    n = np.array(draw(st.lists(st.lists(cell, min_size=models, max_size=models), min_size=clusters, max_size=clusters)))
    # ten prompts that every model answered, and none that no model did
    n[:10] = np.maximum(n[:10], 1)
    n[n.sum(axis=1) == 0] = 1
    share = draw(st.sampled_from([0.0, 0.3, 0.6, 1.0]))
    k = np.random.default_rng(draw(st.integers(0, 2**32))).binomial(n, share)
    if draw(st.booleans()):
        k[:, 0] = 0
    return k.astype(np.int64), n.astype(np.int64)


@st.composite
def blocked_values(draw: st.DrawFn) -> tuple[list[float], list[str] | None]:
    """Up to 6 values, ties likely, whole or in blocks of which some hold one value; one block holds two or more."""
    n = draw(st.integers(2, 6))
    values = draw(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), min_size=n, max_size=n))
    if draw(st.booleans()):
        return values, None
    blocks = draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n).filter(lambda b: len(set(b)) < len(b)))
    return values, blocks


def alphas() -> st.SearchStrategy[float]:
    """Levels of a test, the usual ones first."""
    return st.one_of(st.sampled_from([0.05, 0.01, 0.1]), st.floats(1e-4, 0.3))


def alternatives() -> st.SearchStrategy[str]:
    """The three directions of a test."""
    return st.sampled_from(["two-sided", "greater", "less"])


def designs(*, max_models: int = 25) -> st.SearchStrategy[list[float]]:
    """Model sizes of a study: 3 or more, not all the same, repeats likely."""
    return st.lists(st.sampled_from(MODEL_SIZES), min_size=3, max_size=max_models).filter(lambda sizes: len(set(sizes)) > 1)


def group_sizes() -> st.SearchStrategy[list[int]]:
    """Models per provider: at least two providers and one of two models, single models likely."""
    return st.lists(st.integers(1, 6), min_size=2, max_size=8).filter(lambda sizes: max(sizes) > 1)


def noises() -> st.SearchStrategy[dict[str, float | int]]:
    """The scatter of models in either of the two ways to say it; no spread between models on purpose."""
    whole = st.fixed_dictionaries({"residual_sd": st.floats(0.005, 0.4)})
    parts = st.fixed_dictionaries(
        {
            "tau_pp": st.one_of(st.just(0.0), st.floats(0.0, 20.0)),
            "trials": st.integers(1, 3000),
            "base_rate": st.floats(0.01, 0.99),
            "design_effect": st.one_of(st.just(1.0), st.floats(1.0, 5.0)),
        }
    )
    return st.one_of(whole, parts)
