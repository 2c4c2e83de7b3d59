"""Corpora of published rates with a chosen slope, scatter and share of provider, in invented vocabulary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cells.fake_corpus import FakeCorpus, fake_corpus, graded

Floats = npt.NDArray[np.float64]

PROVIDERS_OF_21 = (*"aaaabbbcccddd", *"efghijkl")
"""21 models of 12 providers, 8 of them with one model."""

SIZES_OF_21 = (
    1.2,
    7.0,
    70.0,
    405.0,
    9.0,
    30.0,
    12.0,
    8.0,
    120.0,
    200.0,
    7.0,
    24.0,
    123.0,
    175.0,
    2.0,
    671.0,
    14.0,
    4.0,
    32.0,
    3.0,
    72.0,
)


def with_slope_and_share(
    sizes: Sequence[float], providers: Sequence[str], *, slope: float, r: float, share: float, mean: float = 0.42, seed: int = 4
) -> Floats:
    """Rates with exactly this slope per doubling, this correlation with log2 size and this eta squared by provider."""
    x = np.log2(sizes)
    labels = np.array(providers)
    rng = np.random.default_rng(seed)
    indicators = (labels[:, np.newaxis] == np.unique(labels)).astype(float)
    straight = np.column_stack([np.ones(len(x)), x])
    within = _unit(_free(rng.normal(size=len(x)), np.column_stack([indicators, x])))
    other = _unit(_free(_free(indicators @ rng.normal(size=indicators.shape[1]), straight), within[:, np.newaxis]))
    rss = slope**2 * float(np.sum((x - x.mean()) ** 2)) * (1 / r**2 - 1)

    def rates(angle: float) -> Floats:
        found: Floats = mean + slope * (x - x.mean()) + math.sqrt(rss) * (math.cos(angle) * within + math.sin(angle) * other)
        return found

    low, high = 0.0, math.pi / 2
    assert _share(rates(low), indicators) < share < _share(rates(high), indicators)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _share(rates(middle), indicators) < share else (low, middle)
    found = rates(low)
    assert found.min() >= 0
    assert found.max() <= 1
    return found


def published(
    rates: Sequence[float] | Floats,
    sizes: Sequence[float | None],
    providers: Sequence[str | None],
    *,
    n: int | None = 200,
    **fields: Any,
) -> FakeCorpus:
    """A table of rates, a model each."""
    names = [f"{provider or 'nobody'}-{i}" for i, provider in enumerate(providers)]
    aggregates = [{"model_id": name, "rate": float(rate), "n": n} for name, rate in zip(names, rates, strict=True)]
    return fake_corpus(aggregates=aggregates, models=model_rows(names, sizes, providers, **fields))


def rows(
    rates: dict[str, Sequence[float]],
    sizes: Sequence[float | None],
    providers: Sequence[str | None],
    *,
    n: int = 100,
    names: Sequence[str] | None = None,
    models: Sequence[dict[str, Any]] | None = None,
) -> FakeCorpus:
    """Graded rows with these rates per attack class; models at places that differ, so that none is a copy."""
    called = [f"{provider or 'nobody'}-{i}" for i, provider in enumerate(providers)] if names is None else list(names)
    traces, grades = [], []
    for attack_class, of_class in rates.items():
        for i, (name, rate) in enumerate(zip(called, of_class, strict=True)):
            k = round(rate * n)
            verdicts = np.roll(["COMPLIANCE"] * k + ["REFUSAL"] * (n - k), 7 * i).tolist()
            found = graded(name, verdicts, attack_class=attack_class)
            traces += found[0]
            grades += found[1]
    made = model_rows(called, sizes, providers)
    more = models or [{}] * len(made)
    return fake_corpus(traces, grades, [row | extra for row, extra in zip(made, more, strict=True)])


def model_rows(
    names: Sequence[str], sizes: Sequence[float | None], providers: Sequence[str | None], **fields: Any
) -> list[dict[str, Any]]:
    """A Model row each; its family is its provider's."""
    return [
        {"model_id": name, "params_total_b": size, "developer": provider, "family": provider, "lineage": provider, **fields}
        for name, size, provider in zip(names, sizes, providers, strict=True)
    ]


def _free(values: Floats, of: Floats) -> Floats:
    found: Floats = values - of @ np.linalg.lstsq(of, values, rcond=None)[0]
    return found


def _unit(values: Floats) -> Floats:
    found: Floats = values / np.linalg.norm(values)
    return found


def _share(values: Floats, indicators: Floats) -> float:
    about = values - values.mean()
    return 1 - float(np.sum(_free(about, indicators) ** 2) / np.sum(about**2))
